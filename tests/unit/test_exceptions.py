from __future__ import annotations

import inspect

import pytest
from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from airflow_zuora import exceptions
from airflow_zuora.exceptions import ZuoraApiError, ZuoraError

CLASSES = {
    name: kind
    for name, kind in vars(exceptions).items()
    if inspect.isclass(kind) and kind.__module__ == exceptions.__name__
}
TREE = {
    line.split("── ")[1].split()[0]: "*" in line
    for line in (exceptions.__doc__ or "").splitlines()
    if "── " in line
}


def test_the_drawing_shows_every_class_and_no_other():
    assert {*TREE, "ZuoraError"} == set(CLASSES)


@pytest.mark.parametrize(("name", "final"), sorted(TREE.items()))
def test_what_the_drawing_marks_fails_the_task_at_once(name, final):
    assert issubclass(CLASSES[name], AirflowFailException) is final
    assert issubclass(CLASSES[name], ZuoraError)
    assert issubclass(CLASSES[name], AirflowException)
    assert CLASSES[name].__doc__


@pytest.mark.parametrize("kind", sorted(CLASSES.values(), key=lambda kind: kind.__name__))
def test_every_error_is_made_from_a_text_alone_and_carries_what_zuora_asked_for(kind):
    assert str(kind("what happened")) == "what happened"
    error = kind("x", retry_after=3.0, request_id="r-1")
    assert (error.retry_after, error.request_id) == (3.0, "r-1")


def test_an_error_of_zuora_carries_the_facts():
    error = ZuoraApiError("x", http_status=404, code="50000040", reasons=(("50000040", "none"),))
    assert (error.http_status, error.code, error.reasons) == (404, "50000040", (("50000040", "none"),))
    assert (ZuoraApiError().code, ZuoraApiError().reasons, ZuoraApiError().http_status) == (None, (), 0)
