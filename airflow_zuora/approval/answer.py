"""
The answer to a review: how it is sealed, and the one rule by which it allows a change. No I/O.

An answer says what was asked: which change, of which connections between which entities, at which host, in
which DAG run. A seal, made with a key that only the holder of the Client Secret can derive, shows whether
anything of it was altered. So neither a map index nor whoever may write an XCom can turn it into an answer to
another question.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_zuora.exceptions import ApprovalError
from airflow_zuora.texts import listed, shorten

if TYPE_CHECKING:
    from airflow_zuora.models import EntityConnection

APPROVE, DENY = "Approve", "Deny"
MAX_AGE = timedelta(days=7)
# What each operator may act on: the change that was asked about, and the option that allows it.
CONSENT = {"accept": ("accept", APPROVE), "deny": ("accept", DENY), "disconnect": ("disconnect", APPROVE)}
_SEAL = "seal"
_ADVICE = "Clear the review and let a person answer it."


def seal_key(client_id: str, client_secret: str) -> bytes:
    """Derive the key of the seals from the credentials of an Airflow connection."""
    purpose = f"airflow_zuora review answer of {client_id}".encode()
    return hmac.new(client_secret.encode(), purpose, hashlib.sha256).digest()


@dataclass(frozen=True, slots=True)
class Subject:
    """
    A connection that a review is about.

    :param connection_id: Zuora's id of the connection.
    :param source_entity_id: The entity that sent the request, 32 hex digits; empty where Zuora does not show
        the connection, like the next three.
    :param source_name: Its name.
    :param target_entity_id: The entity that decides on it, 32 hex digits.
    :param target_name: Its name.
    :param not_asked: Why nobody was asked about it; ``None`` where somebody was.
    """

    connection_id: str
    source_entity_id: str
    source_name: str
    target_entity_id: str
    target_name: str
    not_asked: str | None = None

    @property
    def title(self) -> str:
        """Both entities and the id, for log lines and reasons."""
        names = f"{self.source_name} to {self.target_name}" if self.source_name else "Unknown entities"
        return f"{names} (entity connection {self.connection_id})"


@dataclass(frozen=True, slots=True)
class Answer:
    """
    The answer to a review.

    :param option: The chosen option; ``None`` where nobody was asked.
    :param answered_by: Name of the person; ``None`` where nobody answered.
    :param answered_by_id: The auth manager's id of the person.
    :param answered_at: When it was given, in ISO 8601 with a time zone.
    :param reason: The person's reason, if any.
    :param timed_out: Whether the option is the default that is taken when time is up.
    :param change: The change that was asked about: ``accept`` or ``disconnect``.
    :param connections: The connections that were asked about.
    :param host: Scheme, host and port of Zuora.
    :param dag_id: The review's DAG.
    :param run_id: The review's DAG run.
    :param task_id: The review's task.
    :param map_index: The review's map index; -1 where it is not mapped.
    :param try_number: The review's try.
    """

    option: str | None
    answered_by: str | None
    answered_by_id: str | None
    answered_at: str
    reason: str | None
    timed_out: bool
    change: str
    connections: tuple[Subject, ...]
    host: str
    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    try_number: int

    def seal(self, key: bytes) -> dict[str, Any]:
        """Return the answer as plain data with its seal, for XCom."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return {**plain, _SEAL: _digest(plain, key)}

    @classmethod
    def unseal(cls, value: Any, key: bytes) -> Answer:
        """
        Read an answer from XCom.

        :raises ApprovalError: If it is not a review's answer, or its seal does not match.
        """
        if value is None:
            raise ApprovalError(
                f"The review has no answer: it failed, was skipped, or was marked success by hand. {_ADVICE}"
            )
        if not isinstance(value, Mapping) or not isinstance(value.get(_SEAL), str):
            raise ApprovalError(
                "approval must be the output of a ReviewEntityConnectionOperator, not "
                f"{shorten(value)}. Give it as approval=review.output."
            )
        plain = {name: item for name, item in value.items() if name != _SEAL}
        try:
            if hmac.compare_digest(_digest(plain, key), value[_SEAL]):
                connections = tuple(Subject(**subject) for subject in plain["connections"])
                return cls(**{**plain, "connections": connections})
        except (TypeError, ValueError, RecursionError):  # not what any review writes
            pass
        raise ApprovalError(
            "The seal of the answer does not match: the answer was altered, another Airflow connection was "
            f"used for the review, or the Client Secret was renewed since. {_ADVICE}"
        )

    def about(self, connection_id: str) -> Subject | None:
        """Return the connection with an id, if the answer is about it."""
        return next((one for one in self.connections if one.connection_id == connection_id), None)

    def option_for(self, connection_id: str) -> str | None:
        """Return the option that was chosen for a connection; ``None`` where nobody was asked about it."""
        subject = self.about(connection_id)
        return None if subject is None or subject.not_asked else self.option

    def check(self, terms: Terms) -> None:
        """
        Check that the answer counts for a task.

        :raises ApprovalError: If it was given elsewhere, or to another question.
        """
        if (self.dag_id, self.run_id) != (terms.dag_id, terms.run_id):
            raise ApprovalError(
                f"The answer was given in run {self.run_id!r} of DAG {self.dag_id!r}, and this is run "
                f"{terms.run_id!r} of DAG {terms.dag_id!r}. {_ADVICE}"
            )
        if terms.reviews and self.task_id not in terms.reviews:
            raise ApprovalError(
                f"The answer was given to task {self.task_id!r}, and approval is the output of "
                f"{', '.join(map(repr, sorted(terms.reviews)))}. {_ADVICE}"
            )
        if self.host != terms.host:
            raise ApprovalError(
                f"The answer is about {self.host}, and this task acts at {terms.host}: give the review and "
                "this task the same zuora_conn_id."
            )
        change, _ = CONSENT[terms.verb]
        if self.change != change:
            raise ApprovalError(
                f"The review asked whether to {self.change}, which allows no {terms.verb}: "
                f'give the review change="{change}".'
            )


@dataclass(frozen=True, slots=True)
class Terms:
    """
    What an answer must fit to count for a task.

    :param verb: What the task does: ``accept``, ``deny`` or ``disconnect``.
    :param key: The key of the seals; see :func:`seal_key`.
    :param host: Scheme, host and port of Zuora.
    :param dag_id: The task's DAG.
    :param run_id: The task's DAG run.
    :param now: The current time, with a time zone.
    :param reviews: The ids of the review tasks whose outputs the approval is: each must have an answer, and
        no other task's answer counts. Where none are known, it is those that the answers name.
    """

    verb: str
    key: bytes
    host: str
    dag_id: str
    run_id: str
    now: datetime
    reviews: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Approval:
    """
    The answers that were handed to a task, read and checked.

    :param verb: What the task does.
    :param now: The current time, with a time zone.
    :param reviews: The answers of each review by its task id; a mapped one has several, or none.
    """

    verb: str
    now: datetime
    reviews: Mapping[str, tuple[Answer, ...]]

    @classmethod
    def read(cls, value: Any, terms: Terms) -> Approval:
        """
        Read what was given as ``approval``: an answer, the answers of a mapped review, or a list of these.

        :raises ApprovalError: If one of them is missing, malformed, or does not count for the task.
        """
        answers = [Answer.unseal(one, terms.key) for output in _items(value) for one in _items(output)]
        for answer in answers:
            answer.check(terms)
        reviews = terms.reviews or {answer.task_id for answer in answers}
        return cls(
            terms.verb,
            terms.now,
            {review: tuple(one for one in answers if one.task_id == review) for review in sorted(reviews)},
        )

    def subjects(
        self, source_entity_id: str | None = None, target_entity_id: str | None = None
    ) -> list[Subject]:
        """
        Return the connections that the answers are about, each once.

        :param source_entity_id: Only those from this source, 32 hex digits; ``None`` for all.
        :param target_entity_id: Only those to this target, 32 hex digits; ``None`` for all.
        """
        answers = (answer for review in self.reviews.values() for answer in review)
        found = {
            one.connection_id: one
            for answer in answers
            for one in answer.connections
            if source_entity_id in (None, one.source_entity_id)
            and target_entity_id in (None, one.target_entity_id)
        }
        return [found[connection_id] for connection_id in sorted(found)]

    def decide(self, connection_id: str) -> Consent:
        """
        Decide about one connection.

        :raises ApprovalError: If a review has no answer about it, no person gave the answer, it was given too
            long ago, or one person answered two reviews.
        """
        reviews = {
            review: [one for one in answers if one.about(connection_id)]
            for review, answers in self.reviews.items()
        }
        if missing := [review for review, answers in reviews.items() if not answers]:
            others = listed([one.title for one in self.subjects()])
            raise ApprovalError(
                f"There is no answer of {', '.join(map(repr, missing))} about entity connection "
                f"{connection_id}; the answers are about {others}. Clear the review if it has not answered; "
                "otherwise, give it and this task the same connection in a new run."
            )
        answers = tuple(answer for review in reviews.values() for answer in review)
        subjects = tuple(subject for one in answers if (subject := one.about(connection_id)))
        _, consenting = CONSENT[self.verb]
        if refusals := [one for one in answers if one.option_for(connection_id) not in (consenting, None)]:
            return Consent(answers, subjects, refusal="; ".join(map(_describe, refusals)))
        consent = Consent(answers, subjects)
        if consent.not_asked:
            return consent
        if any(one.answered_by_id is None for one in answers):
            raise ApprovalError(f"No person gave the answer about {subjects[0].title}. {_ADVICE}")
        if old := [one for one in answers if self.now - datetime.fromisoformat(one.answered_at) > MAX_AGE]:
            raise ApprovalError(
                f"The answer about {subjects[0].title} was given at {old[0].answered_at}, more than "
                f"{MAX_AGE.days} days ago. {_ADVICE}"
            )
        if person := _answered_twice(reviews):
            raise ApprovalError(
                f"{person} answered more than one of the reviews {', '.join(map(repr, reviews))} about "
                f"{subjects[0].title}, and each needs another person. Clear one of them and let another "
                "person answer it."
            )
        return consent


@dataclass(frozen=True, slots=True)
class Consent:
    """
    What the answers say about one connection.

    :param answers: The answers about it.
    :param subjects: The connection as each of them was asked about it.
    :param refusal: Who chose something else, when and why; ``None`` where nobody did.
    """

    answers: tuple[Answer, ...]
    subjects: tuple[Subject, ...]
    refusal: str | None = None

    @property
    def subject(self) -> Subject:
        """The connection as it was asked about."""
        return self.subjects[0]

    @property
    def not_asked(self) -> str | None:
        """Why a review did not ask about it, so that nothing may be sent; ``None`` where all did."""
        return next((subject.not_asked for subject in self.subjects if subject.not_asked), None)

    @property
    def summary(self) -> str:
        """Who chose what, when and why."""
        return "; ".join(map(_describe, self.answers))

    def check(self, connection: EntityConnection) -> None:
        """
        Check that the connection is between the entities that were asked about.

        :param connection: The connection as Zuora shows it now.
        :raises ApprovalError: If it is not.
        """
        now = connection.parties
        for asked in self.subjects:
            if (asked.source_entity_id, asked.target_entity_id) != now:
                raise ApprovalError(
                    f"The review asked about {asked.title}, from entity {asked.source_entity_id} to entity "
                    f"{asked.target_entity_id}. Now it is from entity {now[0]} to entity {now[1]}. Trigger a "
                    "new run."
                )

    def as_dict(self) -> dict[str, str | None]:
        """Return who approved it, when and why, for the result of a task."""
        asked = () if self.not_asked else self.answers
        people = dict.fromkeys(one.answered_by for one in asked if one.answered_by)
        return {
            "approved_by": ", ".join(people) or None,
            "approved_at": max((one.answered_at for one in asked), key=datetime.fromisoformat, default=None),
            "reason": "; ".join(one.reason for one in asked if one.reason) or None,
        }


def _digest(plain: Mapping[Any, Any], key: bytes) -> str:
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _items(value: Any) -> list[Any]:
    """Return the items of a list or of a mapped output; an empty one lacks its answer."""
    is_list = isinstance(value, Sequence) and not isinstance(value, (str, bytes))
    return (list(value) or [None]) if is_list else [value]


def _answered_twice(reviews: Mapping[str, Sequence[Answer]]) -> str | None:
    """Return the name of a person who answered two reviews."""
    answered: dict[str | None, str] = {}
    for review, answers in reviews.items():
        for answer in answers:
            if answered.setdefault(answer.answered_by_id, review) != review:
                return answer.answered_by
    return None


def _describe(answer: Answer) -> str:
    if answer.timed_out:
        return f"nobody answered in time, so {answer.option} was taken at {answer.answered_at}"
    reason = f" ({answer.reason})" if answer.reason else ""
    return f"{answer.answered_by} chose {answer.option} at {answer.answered_at}{reason}"
