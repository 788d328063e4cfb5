"""What the operators that change something share: a human's yes before, the record for the auditor after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowSkipException
from airflow.sdk import XComArg

from airflow_zuora.approval import Approval, check_options, read_approvals, require_four_eyes
from airflow_zuora.exceptions import ApprovalError, ZuoraConfigError
from airflow_zuora.operators.base import ZuoraOperator

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from airflow.sdk import Context

    from airflow_zuora.models import EntityConnectionChange

NOT_GIVEN = "<not given>"  # a text, because Airflow writes template fields into the serialized DAG
SKIPPED = "skipmixin_key"  # XCom by which Airflow remembers what a task has skipped


class ApprovedOperator(ZuoraOperator):
    """
    A change that waits for a human.

    :param approval: output of the approval task (``approval=approve.output``), or a list of such outputs, of
        which every one must approve. For a mapped task give it to ``partial()``, or put both tasks into one
        mapped task group; with ``expand()`` Airflow cannot tell whose answer it is. Not given: no check here,
        then the DAG's own dependencies decide.
    :param approving_options: the options that mean yes, default ``("Approve",)``.
    :param four_eyes: whether the approver must not be the user who triggered the run, default false.
    """

    template_fields: Sequence[str] = ("approval", *ZuoraOperator.template_fields)

    def __init__(
        self,
        *,
        approval: Any = NOT_GIVEN,
        approving_options: Collection[str] = ("Approve",),
        four_eyes: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        # Decided here, by identity: no value that comes with a template can switch the guard off.
        self._is_guarded = approval is not NOT_GIVEN
        self._approval_task_ids = [task.task_id for task, _ in XComArg.iter_xcom_references(approval)]
        self.approval = approval
        self.approving_options = approving_options
        self.four_eyes = four_eyes
        check_options(approving_options)
        if four_eyes and not self._is_guarded:
            raise ZuoraConfigError("four_eyes needs approval=, the output of the approval task")

    def require_approval(self, context: Context) -> list[Approval]:
        """
        Let the task go on only if a human approved.

        :return: the answers; empty where no approval was asked for.
        :raises AirflowSkipException: if a human rejected, or the time was up with Reject as default.
        :raises ApprovalError: if there is no well-formed answer of a human.
        """
        if not self._is_guarded:
            self.log.warning("No approval= was given: the dependencies of the DAG alone decide")
            return []
        if self.approval is None and self._was_rejected(context):
            raise AirflowSkipException("Not approved: the approval task was answered with Reject")
        expected = self._count_expected(context)
        approvals = read_approvals(self.approval, self.approving_options, expected=expected)
        if rejected := [answer for answer in approvals if not answer.approved]:
            raise AirflowSkipException(
                "Not approved: "
                + "; ".join(
                    f"{one.user_name} chose {', '.join(one.chosen)} at {one.answered_at}" for one in rejected
                )
            )
        if self.four_eyes:
            require_four_eyes(approvals, getattr(context["dag_run"], "triggering_user_name", None))
        return approvals

    def _count_expected(self, context: Context) -> int | None:
        """
        Count the answers that must be there.

        A mapped approval without answer leaves no gap in the sequence that Airflow hands over, so the
        task instances are counted instead.
        """
        ti = context.get("ti")
        if not self._approval_task_ids:
            if ti is not None and ti.map_index is not None and ti.map_index >= 0:
                raise ApprovalError(
                    "approval came through expand(), which cannot tell whose answer it is. Give it to "
                    "partial(), or put the approval task and this one into one mapped task group."
                )
            return None
        return sum(self._count_instances(task_id, context) for task_id in self._approval_task_ids)

    def _was_rejected(self, context: Context) -> bool:
        """
        Whether the approval task has asked Airflow to skip this one.

        An unmapped ``ApprovalOperator`` leaves no other trace of a Reject, and Airflow 3.1 runs a mapped task
        after it all the same.
        """
        for task_id in self._approval_task_ids:
            traces = context["ti"].xcom_pull(task_ids=task_id, key=SKIPPED, map_indexes=None)
            if self.task_id in (traces or {}).get("skipped", ()):
                return True
        return False

    def _count_instances(self, task_id: str, context: Context) -> int:
        task, ti = self.dag.get_task(task_id), context["ti"]
        group = task.get_closest_mapped_task_group()
        if not task.is_mapped and (group is None or group in self.iter_mapped_task_groups()):
            return 1
        return ti.get_ti_count(dag_id=ti.dag_id, task_ids=[task_id], run_ids=[ti.run_id])

    def record(self, change: EntityConnectionChange, approvals: list[Approval]) -> dict[str, Any]:
        """Give the result of a change and log it in one line that an auditor can read."""
        result = {
            "connection_id": change.id,
            "source_entity_id": change.source_entity_id,
            "target_entity_id": change.target_entity_id,
            "status": change.raw_status,
            "previous_status": change.previous_status and str(change.previous_status),
            "changed": change.changed,
            "approved_by": ", ".join(one.user_name for one in approvals) or None,
            "approved_at": max((one.answered_at for one in approvals), default=None),
            "track_id": self.track_id,
            "request_id": change.request_id,
        }
        self.log.info(
            "Entity connection %(connection_id)s from entity %(source_entity_id)s to entity "
            "%(target_entity_id)s: %(previous_status)s -> %(status)s (changed: %(changed)s), approved by "
            "%(approved_by)s at %(approved_at)s, track id %(track_id)s, request id %(request_id)s",
            result,
        )
        return result
