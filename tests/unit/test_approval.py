from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_zuora.approval import Approval, read_approvals, require_four_eyes
from airflow_zuora.exceptions import ApprovalError, ZuoraConfigError
from airflow_zuora.texts import one_line

AT = "2026-01-02T03:04:05+00:00"
USER = {"id": "42", "name": "ann"}
YES = ("Approve",)
ANSWER = {"chosen_options": ["Approve"], "params_input": {}, "responded_by_user": USER, "responded_at": AT}


def test_an_approval_tells_who_and_when():
    assert Approval.read(ANSWER, YES) == Approval(True, ("Approve",), "42", "ann", AT)


@pytest.mark.parametrize(
    ("chosen", "options", "approved"),
    [
        (["Approve"], ("Approve",), True),
        (("Approve",), ["Approve"], True),
        (["Yes"], {"Approve", "Yes"}, True),
        (["Approve", "Yes"], ("Approve", "Yes"), True),
        (["Approve", "Reject"], ("Approve",), False),
        (["Reject"], ("Approve",), False),
        (["approve"], ("Approve",), False),
        (["Approve "], ("Approve",), False),
    ],
)
def test_every_chosen_option_must_be_an_approving_one(chosen, options, approved):
    assert Approval.read({**ANSWER, "chosen_options": chosen}, options).approved is approved


@pytest.mark.parametrize("options", ["Approve", b"Approve", "", (), [], {}, None, 5, iter(["Approve"])])
def test_the_options_that_mean_yes_are_a_list(options):
    for chosen in ("Approve", "A", "pro"):
        with pytest.raises(ZuoraConfigError, match="approving_options must be a list of options"):
            Approval.read({**ANSWER, "chosen_options": [chosen]}, options)


@pytest.mark.parametrize("answer", [None, "Approve", ["Approve"], True, 5, b"x", {"chosen"}])
def test_what_is_no_answer_never_passes(answer):
    with pytest.raises(ApprovalError, match="Clear the approval task and let a person answer it"):
        Approval.read(answer, YES)


@pytest.mark.parametrize("field", ["chosen_options", "responded_by_user", "responded_at"])
@pytest.mark.parametrize(
    "value", [None, "", [], {}, 5, True, " ", [None], [5], ["Approve", None], [""], "Approve"]
)
def test_an_answer_with_a_wrong_field_never_passes(field, value):
    with pytest.raises(ApprovalError, match="approval"):
        Approval.read({**ANSWER, field: value}, YES)
    with pytest.raises(ApprovalError):
        Approval.read({name: part for name, part in ANSWER.items() if name != field}, YES)


@pytest.mark.parametrize(
    ("user", "id_and_name"),
    [
        ({"id": "42"}, ("42", "42")),
        ({"name": "ann"}, ("ann", "ann")),
        ({"id": " ", "name": "ann"}, ("ann", "ann")),
    ],
)
def test_a_user_needs_an_id_or_a_name(user, id_and_name):
    approval = Approval.read({**ANSWER, "responded_by_user": user}, YES)
    assert (approval.user_id, approval.user_name) == id_and_name


def test_the_default_that_airflow_takes_when_the_time_is_up_may_reject_but_not_approve():
    timed_out = {**ANSWER, "responded_by_user": None}
    with pytest.raises(ApprovalError, match='defaults="Reject"'):
        Approval.read(timed_out, YES)
    rejected = Approval.read({**timed_out, "chosen_options": ["Reject"]}, YES)
    assert (rejected.approved, rejected.user_name) == (False, "nobody in time")


@pytest.mark.parametrize("at", [AT, "2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)])
def test_the_time_is_read_from_text_or_a_datetime(at):
    assert Approval.read({**ANSWER, "responded_at": at}, YES).answered_at == AT


REJECT = {**ANSWER, "chosen_options": ["Reject"]}


@pytest.mark.parametrize(
    ("approval", "expected", "approved"),
    [
        (ANSWER, None, [True]),
        (ANSWER, 1, [True]),
        ([ANSWER, REJECT], None, [True, False]),
        ((ANSWER, ANSWER), 2, [True, True]),
        ([[ANSWER, REJECT], ANSWER], 3, [True, False, True]),
        ([(ANSWER,), []], None, [True]),
    ],
)
def test_a_sequence_of_answers_is_read_one_by_one(approval, expected, approved):
    assert [one.approved for one in read_approvals(approval, YES, expected=expected)] == approved


@pytest.mark.parametrize(
    ("approval", "expected"),
    [
        (None, None),
        ([], None),
        ((), 1),
        ([[]], None),
        ([ANSWER], 2),
        ([ANSWER, ANSWER], 1),
        (ANSWER, 2),
        ([], 0),
    ]
    + [([ANSWER, None], None), ([[[ANSWER]]], None), ([[ANSWER], "Approve"], None), ("Approve", None)],
)
def test_a_missing_or_malformed_answer_in_a_sequence_never_passes(approval, expected):
    with pytest.raises(ApprovalError, match=r"Clear the approval task"):
        read_approvals(approval, YES, expected=expected)


def test_missing_answers_are_counted():
    with pytest.raises(ApprovalError, match="Only 1 of 3 approvals are answered"):
        read_approvals([ANSWER], YES, expected=3)


def approval_of(id_: str, name: str) -> Approval:
    return Approval(True, YES, id_, name, AT)


def test_four_eyes_lets_another_person_pass():
    require_four_eyes([approval_of("42", "ann"), approval_of("43", "eve")], "bob")


@pytest.mark.parametrize("triggered_by", ["ann", "ANN", " ann ", "42"])
def test_four_eyes_stops_who_approved_their_own_run(triggered_by):
    with pytest.raises(ApprovalError, match="ann triggered the run and approved it"):
        require_four_eyes([approval_of("43", "eve"), approval_of("42", "ann")], triggered_by)


@pytest.mark.parametrize("nobody", [None, ""])
def test_four_eyes_needs_somebody_who_triggered_the_run(nobody):
    with pytest.raises(ApprovalError, match="names no user who triggered it"):
        require_four_eyes([approval_of("42", "ann")], nobody)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["Approve", "ann", AT]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*ANSWER, "id", "name"]), inner, max_size=4)
    ),
    max_leaves=12,
)
BENT = st.fixed_dictionaries({name: st.just(value) | JSON for name, value in ANSWER.items()})


@given(JSON | BENT)
def test_no_json_passes_unless_a_human_chose_approving_options(answer):
    try:
        approval = Approval.read(answer, YES)
    except ApprovalError:
        return
    assert list(approval.chosen) == answer["chosen_options"]
    assert all(isinstance(option, str) and option for option in approval.chosen)
    if approval.approved:
        assert set(approval.chosen) == {"Approve"}
        user = answer["responded_by_user"]
        names = [user.get("id"), user.get("name")]
        assert approval.user_id in [one_line(name) for name in names if isinstance(name, str)]
        assert datetime.fromisoformat(answer["responded_at"])


@given(JSON | st.lists(BENT, max_size=3))
def test_no_sequence_passes_with_a_gap(approval):
    try:
        approvals = read_approvals(approval, YES, expected=None)
    except ApprovalError:
        return
    assert approvals
