"""The question that a review asks, as the text that people see. No I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_zuora.approval.answer import APPROVE, DENY, Subject
from airflow_zuora.exceptions import ZuoraValueError
from airflow_zuora.get_provider_info import ENVIRONMENTS
from airflow_zuora.texts import one_line, shorten

MAX_NAME = 100  # characters of a name in a headline
CHANGES = ("accept", "disconnect")
_MEANING = {
    "accept": "**Accepting** lets the source share products and accounting periods with the target. It has "
    "financial consequences, and disconnecting later cannot be undone: shared objects lose their mapping for "
    "good.",
    "disconnect": "**Disconnecting cannot be undone.** Shared objects become the target's own, and their "
    "mapping to the source's objects is lost for good.",
}
_EFFECT = {
    ("accept", APPROVE): "accepts the request in Zuora",
    ("accept", DENY): "denies the request in Zuora",
    ("disconnect", APPROVE): "disconnects the connection in Zuora",
}


@dataclass(frozen=True, slots=True)
class Question:
    """
    A question to a person.

    :param subject: The headline, plain text.
    :param body: The facts, in Markdown.
    """

    subject: str
    body: str


def ask(
    change: str, subjects: Sequence[Subject], *, host: str, options: Sequence[str], note: str | None = None
) -> Question:
    """
    Write the question about one connection or several.

    What comes from Zuora is shown as plain text. The question is the same whenever it is about the same.

    :param change: ``accept`` or ``disconnect``.
    :param subjects: The connections.
    :param host: Scheme, host and port of Zuora.
    :param options: The options to choose from.
    :param note: The DAG author's own words, in Markdown, shown below the facts.
    """
    facts = _facts(subjects[0]) if len(subjects) == 1 else _table(subjects)
    effects = [
        f"**{option}** {_EFFECT.get((change, option), 'changes nothing in Zuora')}" for option in options
    ]
    parts = (facts, f"Zuora: {environment(host)}", _MEANING[change], f"{', '.join(effects)}.", note)
    return Question(_headline(change, subjects), "\n\n".join(part for part in parts if part))


def check_choices(choices: Mapping[str, Any]) -> None:
    """
    Check what people can choose, and what is chosen for them when time is up.

    :param choices: ``change``, ``options`` and ``defaults``, or those of them that are known yet.
    :raises ZuoraValueError: If a choice makes no sense, or a default changes something in Zuora.
    """
    change = choices.get("change", "accept")
    if change not in CHANGES:
        raise ZuoraValueError(f"change must be one of {', '.join(CHANGES)}, not {shorten(change)}")
    for name in {"options", "defaults"} & choices.keys():
        value = choices[name]
        if isinstance(value, str) or not isinstance(value, Sequence) or not value:
            raise ZuoraValueError(f'{name} must be a list of options, such as ("Approve", "Reject")')
    options, defaults = choices.get("options", ()), choices.get("defaults", ())
    if options and (APPROVE not in options or (DENY in options and change != "accept")):
        raise ZuoraValueError("options must contain Approve, and Deny only where change is accept")
    if {APPROVE, DENY} & set(defaults):
        raise ZuoraValueError(
            "defaults must not contain Approve or Deny: a review that nobody answers must change nothing"
        )
    if len(defaults) > 1 or (options and not set(defaults) < set(options)):
        raise ZuoraValueError(f"defaults must be one of options {list(options)}, not {list(defaults)}")


def environment(host: str) -> str:
    """Name the environment that an address belongs to."""
    name = host.rpartition("://")[2]
    return f"**{ENVIRONMENTS[name]}** ({plain(host)})" if name in ENVIRONMENTS else plain(host)


def plain(text: str) -> str:
    """
    Write a text so that Markdown shows it unchanged: names in Zuora may contain any character.

    It becomes a code span. Backslashes would not do: Airflow's Markdown turns addresses into links after it
    has removed them.
    """
    shown = one_line(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    return f"{fence} {shown} {fence}"


def _headline(change: str, subjects: Sequence[Subject]) -> str:
    if len(subjects) > 1:
        what = "connection requests" if change == "accept" else "connections"
        return f"{change.capitalize()} {len(subjects)} entity {what}?"
    source, target = (one_line(name, MAX_NAME) for name in (subjects[0].source_name, subjects[0].target_name))
    return f"Connect {source} to {target}?" if change == "accept" else f"Disconnect {source} from {target}?"


def _facts(subject: Subject) -> str:
    return "\n\n".join(
        (
            f"**Source** (sent the request): {plain(subject.source_name)}, entity "
            f"{plain(subject.source_entity_id)}",
            f"**Target** (decides): {plain(subject.target_name)}, entity {plain(subject.target_entity_id)}",
            f"**Connection**: {plain(subject.connection_id)}",
        )
    )


def _table(subjects: Sequence[Subject]) -> str:
    rows = [("Source (sent the request)", "Target (decides)", "Connection"), ("---", "---", "---")]
    rows += [
        (
            f"{_cell(one.source_name)} {_cell(one.source_entity_id)}",
            f"{_cell(one.target_name)} {_cell(one.target_entity_id)}",
            _cell(one.connection_id),
        )
        for one in subjects
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(text: str) -> str:
    """
    Write a text for a table, whose cells end at a pipe even within a code span.

    A backslash keeps a pipe from that, unless another one before it does the same to the backslash: after an
    odd number of backslashes, the text shows one more.
    """
    return re.sub(r"(\\*)\|", lambda found: f"{found[1]}{found[1][: len(found[1]) % 2]}\\|", plain(text))
