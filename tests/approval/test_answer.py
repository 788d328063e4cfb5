"""The seal: what a review hands out is read back unchanged, and nothing else is read at all."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict, fields, make_dataclass, replace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from hypothesis import assume, given
from hypothesis import strategies as st

from airflow_zuora.approval.answer import Answer, Approval, Subject, seal_key
from airflow_zuora.exceptions import ApprovalError
from tests.helpers.answers import ANSWER, ID, KEY, OTHER, OTHER_ID, SUBJECT, TERMS, sealed

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.sampled_from([*sealed().values(), "Approve", "Deny", "accept", "2", 2]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*sealed(), "connection_id", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)
TEXT = st.text(max_size=20)
GENUINE = st.builds(
    replace,
    st.just(ANSWER),
    answered_by=TEXT,
    reason=st.none() | TEXT,
    connections=st.lists(st.builds(Subject, TEXT, TEXT, TEXT, TEXT, TEXT, st.none() | TEXT)).map(tuple),
)


def containers(value: Any) -> list[Any]:
    """Return the lists and objects of a JSON value."""
    if isinstance(value, dict):
        return [value, *(found for item in value.values() for found in containers(item))]
    if isinstance(value, list):
        return [value, *(found for item in value for found in containers(item))]
    return []


@st.composite
def altered(draw: st.DrawFn) -> dict[str, Any]:
    """Return a genuine answer in which one thing was replaced, removed, added or moved."""
    genuine = sealed(SUBJECT, OTHER)
    answer = copy.deepcopy(genuine)
    place = draw(st.sampled_from(containers(answer)))
    name = draw(st.sampled_from(list(place) if isinstance(place, dict) else range(len(place))))
    match draw(st.sampled_from(["replace", "remove", "add", "move"])):
        case "replace":
            place[name] = draw(JSON)
        case "remove":
            del place[name]
        case "add" if isinstance(place, dict):
            place[draw(TEXT)] = draw(JSON)
        case "add":
            place.append(draw(JSON))
        case "move" if isinstance(place, dict):
            place[draw(st.sampled_from([*place, "x"]))] = place.pop(name)
        case "move":
            place.reverse()
    assume(json.dumps(answer, sort_keys=True) != json.dumps(genuine, sort_keys=True))
    return answer


@given(GENUINE)
def test_a_genuine_answer_with_any_names_survives_json(answer: Answer) -> None:
    value = json.loads(json.dumps(answer.seal(KEY)))
    assert Answer.unseal(value, KEY) == answer


def test_what_is_sealed_is_everything_that_was_asked_and_said() -> None:
    value = sealed()
    assert set(value) == {field.name for field in fields(Answer)} | {"seal"}
    assert set(value["connections"][0]) == {field.name for field in fields(Subject)}


@given(JSON)
def test_no_other_json_is_an_answer(value: Any) -> None:
    with pytest.raises(ApprovalError):
        Approval.read(value, TERMS)


@given(altered())
def test_an_answer_of_which_anything_was_altered_is_none(value: Any) -> None:
    with pytest.raises(ApprovalError):
        Approval.read(value, TERMS)


@given(GENUINE, JSON)
def test_no_seal_but_the_right_one_fits(answer: Answer, seal: Any) -> None:
    genuine = answer.seal(KEY)
    assume(seal != genuine["seal"])
    with pytest.raises(ApprovalError):
        Answer.unseal({**genuine, "seal": seal}, KEY)


@pytest.mark.parametrize(
    "key", [seal_key("client", "renewed"), seal_key("another", "secret"), seal_key("secret", "client"), b""]
)
def test_a_renewed_secret_and_another_connection_break_the_seal(key: bytes) -> None:
    with pytest.raises(ApprovalError, match="Client Secret was renewed.*Clear the review"):
        Answer.unseal(sealed(), key)


def test_a_review_without_an_answer_is_named_as_such() -> None:
    with pytest.raises(ApprovalError, match="no answer.*marked success by hand.*Clear the review") as caught:
        Answer.unseal(None, KEY)
    assert isinstance(caught.value, AirflowFailException)


def test_the_text_of_a_genuine_answer_is_not_an_answer() -> None:
    """Airflow 3.1 stores what is written over REST as text; whoever reads it back would let it in."""
    with pytest.raises(ApprovalError, match=r"approval=review\.output"):
        Approval.read(json.dumps(sealed()), TERMS)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(
            {"chosen_options": ["Approve"], "responded_by_user": {"id": "1"}}, id="ApprovalOperator"
        ),
        pytest.param({}, id="empty"),
        pytest.param(b"Approve", id="bytes"),
        pytest.param(object(), id="object"),
        pytest.param({**sealed(), "reason": float("nan")}, id="not a number"),
        pytest.param({**sealed(), "reason": object()}, id="not JSON"),
        pytest.param({**sealed(), 5: 5}, id="names of two types"),
        pytest.param({**sealed(), "seal": "ä"}, id="seal that is not ASCII"),
        pytest.param({**sealed(), "seal": None}, id="no seal"),
    ],
)
def test_what_is_not_json_is_not_an_answer_either(value: Any) -> None:
    with pytest.raises(ApprovalError):
        Approval.read(value, TERMS)


def test_a_value_that_is_nested_too_deeply_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    for value in (deep, {**sealed(), "reason": deep}):
        with pytest.raises(ApprovalError):
            Approval.read(value, TERMS)


def test_a_seal_of_another_version_of_the_package_is_refused() -> None:
    """Such as the one of a review that ran before the package was updated."""
    older = asdict(ANSWER)
    del older["try_number"]
    value = Answer.seal(make_dataclass("Older", older)(**older), KEY)
    assert {*value, "try_number"} == {*sealed()}
    with pytest.raises(ApprovalError, match="Clear the review"):
        Answer.unseal(value, KEY)


def test_an_answer_knows_which_connections_it_is_about() -> None:
    answer = replace(ANSWER, connections=(SUBJECT, replace(OTHER, not_asked="it is Connected")))
    assert answer.about(ID) == SUBJECT
    assert answer.about("8a80-3") is None
    assert [answer.option_for(id_) for id_ in (ID, OTHER_ID, "8a80-3")] == ["Approve", None, None]
