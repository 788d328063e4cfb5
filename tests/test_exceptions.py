from __future__ import annotations

import inspect
import json
from typing import Any

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


def test_the_tree_in_the_docstring_shows_every_class_and_no_other():
    assert {*TREE, "ZuoraError"} == set(CLASSES)


@pytest.mark.parametrize(("name", "final"), sorted(TREE.items()))
def test_the_errors_marked_in_the_docstring_fail_the_task_at_once(name, final):
    assert issubclass(CLASSES[name], AirflowFailException) is final
    assert issubclass(CLASSES[name], ZuoraError)
    assert issubclass(CLASSES[name], AirflowException)
    assert CLASSES[name].__doc__


@pytest.mark.parametrize("kind", sorted(CLASSES.values(), key=lambda kind: kind.__name__))
def test_every_error_needs_a_message_only_and_carries_the_wait_and_the_request_id(kind):
    assert str(kind("what happened")) == "what happened"
    with pytest.raises(TypeError):
        kind()
    error = kind("x", retry_after=3.0, request_id="r-1")
    assert (error.retry_after, error.request_id) == (3.0, "r-1")


def test_an_error_of_zuora_carries_the_facts():
    error = ZuoraApiError("x", http_status=404, code="50000040", reasons=(("50000040", "none"),))
    assert (error.http_status, error.code, error.reasons) == (404, "50000040", (("50000040", "none"),))
    bare = ZuoraApiError("x")
    assert (bare.http_status, bare.code, bare.reasons) == (None, None, ())


def test_a_wrong_argument_is_also_a_value_error_but_a_wrong_connection_is_not():
    assert issubclass(exceptions.ZuoraValueError, ValueError)
    assert not issubclass(exceptions.ZuoraConfigError, ValueError)
    assert not issubclass(exceptions.EntityConnectionNotFoundError, ZuoraApiError)


@pytest.mark.parametrize("kind", sorted(CLASSES.values(), key=lambda kind: kind.__name__))
def test_every_error_crosses_to_another_process_as_plain_data(kind):
    facts: dict[str, Any] = {"retry_after": 3.5, "request_id": "r-1"}
    if issubclass(kind, ZuoraApiError):
        facts |= {"http_status": 429, "code": "50000070", "reasons": (("50000070", "slow down"),)}
    error = kind("what happened", **facts)
    found = ZuoraError.from_dict(json.loads(json.dumps(error.as_dict())))
    assert type(found) is kind
    assert str(found) == "what happened"
    assert {name: getattr(found, name) for name in facts} == facts


@pytest.mark.parametrize("name", ["NoSuchError", "OSError", "annotations", "AirflowException"])
def test_an_error_of_another_class_becomes_a_plain_one_that_names_it(name):
    found = ZuoraError.from_dict({"error": name, "message": "what happened", "retry_after": 1})
    assert type(found) is ZuoraError
    assert (str(found), found.retry_after) == (f"{name}: what happened", 1)
