"""Answers to reviews, as a review seals them and an operator judges them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from airflow_zuora.approval.answer import Answer, Subject, Terms, seal_key

SOURCE, TARGET = "a" * 32, "b" * 32
ID, OTHER_ID = "8a80-1", "8a80-2"
SUBJECT = Subject(ID, SOURCE, "Acme Corporation", TARGET, "Acme Germany")
OTHER = Subject(OTHER_ID, "c" * 32, "Acme US", TARGET, "Acme Germany")
AT = "2026-11-25T09:00:00+00:00"
KEY = seal_key("client", "secret")
ANSWER = Answer(
    option="Approve",
    answered_by="Ann",
    answered_by_id="1",
    answered_at=AT,
    reason="as agreed",
    timed_out=False,
    change="accept",
    connections=(SUBJECT,),
    host="https://rest.zuora.com",
    dag_id="d",
    run_id="manual__1",
    task_id="review",
    map_index=-1,
    try_number=1,
)
TERMS = Terms(
    verb="accept",
    key=KEY,
    host="https://rest.zuora.com",
    dag_id="d",
    run_id="manual__1",
    now=datetime(2026, 11, 25, 10, tzinfo=UTC),
)


def sealed(*subjects: Subject, **fields: Any) -> dict[str, Any]:
    """Seal Ann's approval of the connection, or of other ones, with other fields."""
    return replace(ANSWER, connections=subjects or (SUBJECT,), **fields).seal(KEY)
