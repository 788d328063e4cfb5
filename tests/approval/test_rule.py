"""The one rule by which answers allow a change of one connection."""

from __future__ import annotations

from collections import UserList
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from airflow_zuora.approval.answer import Approval, Consent
from airflow_zuora.exceptions import ApprovalError
from airflow_zuora.models import EntityConnection, EntityConnectionStatus
from tests.helpers.answers import AT, ID, OTHER, OTHER_ID, SOURCE, SUBJECT, TARGET, TERMS, sealed

BOB: dict[str, Any] = {"answered_by": "Bob", "answered_by_id": "2", "reason": None}
NOT_ASKED = replace(SUBJECT, not_asked="it is Connected")
NOBODY: dict[str, Any] = {"option": None, "answered_by": None, "answered_by_id": None, "reason": None}
IN_TIME: dict[str, Any] = {"answered_by": None, "answered_by_id": None, "reason": None, "timed_out": True}
TWO = frozenset({"legal", "finance"})


def decide(approval: Any, connection_id: str = ID, **terms: Any) -> Consent:
    return Approval.read(approval, replace(TERMS, **terms)).decide(connection_id)


def outcome(approval: Any, connection_id: str = ID, **terms: Any) -> str:
    """Say in a word what the rule makes of an approval."""
    try:
        consent = decide(approval, connection_id, **terms)
    except ApprovalError:
        return "error"
    return "refused" if consent.refusal else "not asked" if consent.not_asked else "allowed"


@pytest.mark.parametrize(
    ("verb", "change", "option", "expected"),
    [
        ("accept", "accept", "Approve", "allowed"),
        ("accept", "accept", "Deny", "refused"),
        ("accept", "accept", "Reject", "refused"),
        ("accept", "accept", "approve", "refused"),
        ("accept", "disconnect", "Approve", "error"),
        ("accept", "disconnect", "Reject", "error"),
        ("deny", "accept", "Approve", "refused"),
        ("deny", "accept", "Deny", "allowed"),
        ("deny", "accept", "Leave pending", "refused"),
        ("deny", "disconnect", "Deny", "error"),
        ("disconnect", "accept", "Approve", "error"),
        ("disconnect", "disconnect", "Approve", "allowed"),
        ("disconnect", "disconnect", "Deny", "refused"),
        ("disconnect", "disconnect", "Reject", "refused"),
    ],
)
def test_each_operator_acts_on_one_option_of_one_question(
    verb: str, change: str, option: str, expected: str
) -> None:
    assert outcome(sealed(change=change, option=option), verb=verb) == expected


@pytest.mark.parametrize(
    ("terms", "advice"),
    [
        ({"dag_id": "another"}, "run 'manual__1' of DAG 'd', and this is run 'manual__1' of DAG 'another'"),
        ({"run_id": "manual__2"}, "Clear the review and let a person answer it"),
        ({"host": "https://rest.eu.zuora.com"}, "the same zuora_conn_id"),
        (
            {"reviews": frozenset({"another"})},
            "given to task 'review', and approval is the output of 'another'",
        ),
        ({"verb": "disconnect"}, 'give the review change="disconnect"'),
        ({"key": b"another"}, "the answer was altered, another Airflow connection"),
        ({"now": datetime(2026, 12, 2, 9, 0, 1, tzinfo=UTC)}, "more than 7 days ago"),
    ],
)
def test_an_answer_from_elsewhere_does_not_count(terms: dict[str, Any], advice: str) -> None:
    assert decide(sealed()).refusal is None
    with pytest.raises(ApprovalError, match=advice):
        decide(sealed(), **terms)


def test_an_answer_counts_for_seven_days() -> None:
    assert outcome(sealed(), now=datetime(2026, 12, 2, 9, tzinfo=UTC)) == "allowed"
    assert outcome(sealed(), now=datetime(2026, 12, 3, tzinfo=UTC)) == "error"


def test_a_refusal_does_not_become_too_old() -> None:
    assert outcome(sealed(option="Reject"), now=datetime(2026, 12, 3, tzinfo=UTC)) == "refused"
    unanswered = sealed(
        option="Reject", task_id="second", answered_by=None, answered_by_id=None, timed_out=True
    )
    assert outcome([sealed(), unanswered], now=datetime(2026, 12, 3, tzinfo=UTC)) == "refused"


def test_an_old_answer_about_another_connection_does_not_matter() -> None:
    answers = [sealed(), sealed(OTHER, answered_at="2026-11-20T09:00:00+00:00", map_index=1)]
    now = datetime(2026, 12, 1, tzinfo=UTC)
    assert outcome(answers, ID, now=now) == "allowed"
    assert outcome(answers, OTHER_ID, now=now) == "error"


@pytest.mark.parametrize("wrap", [list, tuple, UserList], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(("option_for_other", "expected"), [("Approve", "allowed"), ("Reject", "refused")])
def test_of_a_mapped_review_the_answer_about_the_connection_counts(
    wrap: Any, option_for_other: str, expected: str
) -> None:
    """Airflow hands over a lazy sequence or a list, without those that failed."""
    answers = wrap([sealed(OTHER, option=option_for_other), sealed(map_index=5)])
    assert outcome(answers, ID) == "allowed"
    assert outcome(answers, OTHER_ID) == expected
    assert outcome(answers, "8a80-3") == "error"
    assert outcome([answers], ID) == "allowed"


@pytest.mark.parametrize(
    ("legal", "finance", "expected"),
    [
        (sealed(task_id="legal"), sealed(task_id="finance", **BOB), "allowed"),
        (sealed(task_id="legal"), sealed(task_id="finance"), "error"),  # one person is not two
        (sealed(task_id="legal"), None, "error"),
        (sealed(task_id="legal"), [], "error"),
        (sealed(task_id="legal"), sealed(OTHER, task_id="finance", **BOB), "error"),
        (sealed(task_id="legal"), sealed(task_id="legal", **BOB), "error"),  # copied over the other's answer
        (sealed(task_id="legal", option="Reject"), sealed(task_id="finance", **BOB), "refused"),
        (sealed(task_id="legal", option="Reject"), sealed(task_id="finance"), "refused"),
        (sealed(task_id="legal", option="Reject"), None, "error"),
        (sealed(task_id="legal"), sealed(task_id="finance", option="Deny", **BOB), "refused"),
        (sealed(task_id="legal"), sealed(NOT_ASKED, task_id="finance", **NOBODY), "not asked"),
        (sealed(task_id="legal", option="Reject"), sealed(NOT_ASKED, task_id="finance", **NOBODY), "refused"),
        (
            sealed(task_id="legal"),
            [sealed(OTHER, task_id="finance"), sealed(task_id="finance", **BOB)],
            "allowed",
        ),
    ],
)
def test_two_reviews_need_two_people_who_both_approve(legal: Any, finance: Any, expected: str) -> None:
    assert outcome([legal, finance], reviews=TWO) == expected
    assert outcome([finance, legal], reviews=TWO) == expected


def test_reviews_that_are_not_known_are_those_that_the_answers_name() -> None:
    legal, finance = sealed(task_id="legal"), sealed(task_id="finance", **BOB)
    assert outcome([legal, finance]) == "allowed"
    assert outcome([legal, sealed(task_id="finance")]) == "error"
    assert outcome([legal, sealed(OTHER, task_id="finance", **BOB)]) == "error"


def test_who_answered_two_reviews_is_named_with_the_way_out() -> None:
    reviews = [
        sealed(task_id="legal"),
        sealed(task_id="legal", map_index=1, **BOB),
        sealed(task_id="finance", **BOB),
    ]
    with pytest.raises(
        ApprovalError, match="^Bob answered more than one .*'finance', 'legal'.* Clear one of them"
    ):
        decide(reviews)


def test_a_person_may_answer_the_same_review_twice() -> None:
    """As where a list names a request twice."""
    consent = decide([sealed(map_index=0), sealed(map_index=1)])
    assert consent.as_dict()["approved_by"] == "Ann"
    assert outcome([sealed(map_index=0), sealed(map_index=1, option="Reject")]) == "refused"


@pytest.mark.parametrize("empty", [[], (), UserList(), [[]], [UserList()], None, [None]])
def test_no_answer_at_all_is_an_error(empty: Any) -> None:
    with pytest.raises(ApprovalError, match="The review has no answer"):
        decide(empty)


def test_one_question_about_several_connections_answers_for_those_that_were_asked_about() -> None:
    for option, expected in (("Approve", "allowed"), ("Reject", "refused")):
        answer = sealed(NOT_ASKED, OTHER, option=option)
        assert outcome(answer, ID) == "not asked"
        assert outcome(answer, OTHER_ID) == expected
        assert [one.connection_id for one in Approval.read(answer, TERMS).subjects()] == [ID, OTHER_ID]


def test_where_nobody_was_asked_nobody_approved() -> None:
    consent = decide(sealed(NOT_ASKED, **NOBODY))
    assert (consent.refusal, consent.not_asked) == (None, "it is Connected")
    assert consent.as_dict() == {"approved_by": None, "approved_at": None, "reason": None}


def test_an_option_that_was_taken_when_time_was_up_is_nobodys_consent() -> None:
    assert decide(sealed(option="Reject", **IN_TIME)).refusal == (
        f"nobody answered in time, so Reject was taken at {AT}"
    )
    with pytest.raises(
        ApprovalError, match="No person gave the answer about Acme Corporation to Acme Germany"
    ):
        decide(sealed(**IN_TIME))


def test_a_refusal_says_who_chose_what_when_and_why() -> None:
    answers = [sealed(option="Reject"), sealed(option="Later", **BOB)]
    assert decide(answers).refusal == f"Ann chose Reject at {AT} (as agreed); Bob chose Later at {AT}"


def test_the_record_names_all_who_approved_and_when_the_last_one_did() -> None:
    later = datetime(2026, 11, 25, 10, 30, tzinfo=timezone(timedelta(hours=1))).isoformat()  # 09:30 UTC
    approved = [sealed(task_id="legal"), sealed(task_id="finance", answered_at=later, **BOB)]
    assert decide(approved, reviews=TWO).as_dict() == {
        "approved_by": "Bob, Ann",
        "approved_at": later,
        "reason": "as agreed",
    }


@pytest.mark.parametrize("changed", [{"source_entity_id": "d" * 32}, {"target_entity_id": "d" * 32}])
def test_the_connection_must_be_between_the_entities_that_were_asked_about(changed: dict[str, str]) -> None:
    consent = decide([sealed(), sealed(map_index=1)])
    now = EntityConnection(ID, SOURCE, TARGET, EntityConnectionStatus.PENDING, "Pending")
    consent.check(now)
    with pytest.raises(ApprovalError, match="Trigger a new run"):
        consent.check(replace(now, **changed))
    swapped = replace(now, source_entity_id=TARGET, target_entity_id=SOURCE)
    with pytest.raises(ApprovalError):
        consent.check(swapped)


def test_each_answer_must_have_asked_about_the_entities_of_the_connection() -> None:
    answers = [sealed(), sealed(replace(SUBJECT, source_entity_id="d" * 32), map_index=1)]
    with pytest.raises(ApprovalError, match=f"from entity {'d' * 32}"):
        decide(answers).check(EntityConnection(ID, SOURCE, TARGET, EntityConnectionStatus.PENDING, "Pending"))
