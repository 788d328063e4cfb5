"""
Reads the answer of a human-in-the-loop task: approved, rejected, or no answer.

Fails closed: what is not a well-formed answer that a human gave is :class:`ApprovalError`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeGuard

from airflow_zuora.exceptions import ApprovalError, ZuoraConfigError
from airflow_zuora.texts import one_line, shorten

_ADVICE = "Clear the approval task and let a person answer it."


@dataclass(frozen=True, slots=True)
class Approval:
    """
    What a human answered.

    :param approved: whether every option that was chosen is an approving one.
    :param chosen: the options that were chosen.
    :param user_id: the auth manager's id of who answered.
    :param user_name: the name of who answered, on one line.
    :param answered_at: when, as ISO 8601 text.
    """

    approved: bool
    chosen: tuple[str, ...]
    user_id: str
    user_name: str
    answered_at: str

    @classmethod
    def read(cls, answer: Any, approving_options: Collection[str]) -> Approval:
        """
        Read the XCom of one human-in-the-loop task.

        :param answer: ``chosen_options``, ``responded_by_user`` and ``responded_at``, as Airflow stores them.
        :param approving_options: the options that mean yes.
        :raises ApprovalError: if there is no answer, it is malformed, or no human gave it.
        :raises ZuoraConfigError: if the options are none.
        """
        check_options(approving_options)
        if answer is None:
            raise ApprovalError(
                "There is no answer of the approval task: it was rejected, timed out, failed or was marked "
                f"success by hand. {_ADVICE}"
            )
        if not isinstance(answer, Mapping):
            raise ApprovalError(
                f"approval must be the output of a human-in-the-loop task, not {shorten(answer)}. {_ADVICE}"
            )
        chosen, user, at = (
            answer.get(key) for key in ("chosen_options", "responded_by_user", "responded_at")
        )
        if not isinstance(chosen, (list, tuple)) or not chosen or not all(map(_is_text, chosen)):
            raise ApprovalError(f"The approval names no chosen_options: {shorten(chosen)}. {_ADVICE}")
        approved = all(option in approving_options for option in chosen)
        if user is None and not approved:
            user = {"name": "nobody in time"}
        names = [user.get("id"), user.get("name")] if isinstance(user, Mapping) else []
        id_and_name = [one_line(name) for name in names if _is_text(name)]
        if not id_and_name:
            raise ApprovalError(
                "No human gave the approval: it is the default that Airflow takes when the time is up. "
                f'Give the approval task defaults="Reject". {_ADVICE}'
            )
        return cls(approved, tuple(chosen), id_and_name[0], id_and_name[-1], _iso(at))


def check_options(approving_options: Any) -> None:
    """
    Check the options that mean yes.

    :raises ZuoraConfigError: if there is none, or they are one text, whose every part would mean yes.
    """
    is_list = isinstance(approving_options, Collection) and not isinstance(approving_options, (str, bytes))
    if not is_list or not approving_options:
        raise ZuoraConfigError('approving_options must be a list of options, such as ("Approve",)')


def read_approvals(
    approval: Any, approving_options: Collection[str], *, expected: int | None
) -> list[Approval]:
    """
    Read one answer, or each of a sequence of answers.

    :param approval: the output of one approval task, or a sequence of outputs.
    :param approving_options: the options that mean yes.
    :param expected: how many answers there must be; ``None`` where that is not known. A mapped approval that
        was not answered leaves a gap that is not seen in the sequence itself.
    :raises ApprovalError: if one is missing or malformed.
    """
    answers = list(_flat(approval)) if _is_sequence(approval) else [approval]
    approvals = [Approval.read(answer, approving_options) for answer in answers]
    if not approvals or expected not in (None, len(approvals)):
        raise ApprovalError(f"Only {len(approvals)} of {expected or 1} approvals are answered. {_ADVICE}")
    return approvals


def require_four_eyes(approvals: Iterable[Approval], triggered_by: str | None) -> None:
    """
    Check that nobody approved what they asked for themselves.

    :param approvals: the answers.
    :param triggered_by: name of the user who triggered the DAG run.
    :raises ApprovalError: if an approver is the same person, or the run has no user (it was scheduled, or
        Airflow is older than 3.1.8).
    """
    if not triggered_by:
        raise ApprovalError(
            "four_eyes: the DAG run names no user who triggered it, so nobody can be told from the approver. "
            "Trigger the DAG by hand, or leave four_eyes out for scheduled runs."
        )
    for approval in approvals:
        if _same(triggered_by, approval.user_name) or _same(triggered_by, approval.user_id):
            raise ApprovalError(
                f"four_eyes: {approval.user_name} triggered the run and approved it. Clear the approval task "
                "and let another person answer it."
            )


def _same(one: str, other: str) -> bool:
    return one_line(one).casefold() == one_line(other).casefold()


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _flat(values: Iterable[Any]) -> Iterable[Any]:
    """Lay out a list of approvals, some of which may be mapped and so sequences themselves."""
    for value in values:
        if _is_sequence(value):
            yield from value
        else:
            yield value


def _is_text(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and bool(one_line(value))


def _iso(at: Any) -> str:
    try:
        return (at if isinstance(at, datetime) else datetime.fromisoformat(at)).isoformat()
    except (TypeError, ValueError):
        raise ApprovalError(
            f"The approval does not say when it was given: {shorten(at)}. {_ADVICE}"
        ) from None
