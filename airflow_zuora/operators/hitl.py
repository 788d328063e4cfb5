"""The question that Airflow has stored for a task: the only module that talks to Airflow's supervisor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import TaskDeferred
from airflow.sdk import exceptions
from airflow.sdk.execution_time.comms import CreateHITLDetailPayload, HITLDetailRequestResult

from airflow_zuora.exceptions import ApprovalError

if TYPE_CHECKING:
    from uuid import UUID

    from airflow.providers.standard.operators.hitl import HITLOperator

# What a human-in-the-loop operator raises to wait for its answer: the latter since Airflow 3.3.
PARKED: tuple[type[BaseException], ...] = (
    TaskDeferred,
    getattr(exceptions, "TaskAwaitingInput", TaskDeferred),
)


def check_stored_question(operator: HITLOperator, ti_id: UUID) -> None:
    """
    Check that the question which Airflow shows to people is the operator's own.

    Airflow keeps the first question of a task that was cleared. Storing a question again returns the stored
    one; it would discard an answer, so this is for ``execute`` only, before anybody is asked.

    :param operator: The operator, with its subject and body.
    :param ti_id: The id of its task instance.
    :raises ApprovalError: If Airflow shows another question, or does not tell which.
    """
    from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS

    ours = CreateHITLDetailPayload.model_validate(
        {
            "ti_id": ti_id,
            "subject": operator.subject,
            "body": operator.body,
            "options": operator.options,
            "defaults": operator.defaults,
            "multiple": operator.multiple,
            "params": operator.serialized_params,
            "assigned_users": operator.assigned_users or [],
        }
    )
    stored = SUPERVISOR_COMMS.send(ours)
    if not isinstance(stored, HITLDetailRequestResult):
        raise ApprovalError(
            f"Airflow did not return the question that it shows, but {type(stored).__name__}, so nobody can "
            "be asked. Clear the review once Airflow's API server answers."
        )
    shown, asked = _plain(stored), _plain(ours)
    if shown != asked:
        different = ", ".join(name for name in asked if shown.get(name) != asked[name])
        raise ApprovalError(
            f"Airflow shows an earlier question of this task, with another {different}: what it is about has "
            "changed since it was asked first, and Airflow keeps the first question of a cleared task. "
            "Trigger a new run."
        )


def _plain(question: Any) -> dict[str, Any]:
    """Return a question as plain data, in which what is empty and what is missing are the same."""
    dumped: dict[str, Any] = question.model_dump(mode="json", exclude={"type"})
    return {name: value or None for name, value in dumped.items()}
