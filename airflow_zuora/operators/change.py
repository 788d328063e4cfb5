"""What the operators that change an entity connection share: the approval before, the record after."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import AirflowSkipException
from airflow.sdk import Asset, XComArg

from airflow_zuora.arguments import ANY, NOT_GIVEN, NotGiven
from airflow_zuora.exceptions import ApprovalError, ZuoraError, ZuoraValueError
from airflow_zuora.operators.base import ZuoraOperator, check_connection_id, check_entity, check_parties
from airflow_zuora.texts import listed, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from airflow_zuora.approval.answer import Approval, Consent
    from airflow_zuora.client.entity_connections import StatusChange
    from airflow_zuora.hooks.zuora import ZuoraHook
    from airflow_zuora.transitions import Transition

NO_CONNECTION = "Give connection_id, or both source_entity and target_entity"


class EntityConnectionChangeOperator(ZuoraOperator):
    """
    Base class of the operators that change the status of an entity connection.

    The change is made in the entity ``entity_id``, else in the target entity that the arguments or the
    approval name, else in the Airflow connection's.

    :param connection_id: Zuora's id of the connection (templated). May be left out if the approval names only
        one, or if both entities are given.
    :param source_entity: Id or name of the entity that sent the request (templated). With an approval, it
        selects among its connections; with ``connection_id``, it has to agree.
    :param target_entity: Id or name of the entity that decides on it, in the same way (templated). Without an
        approval and an id, both entities are needed.
    :param approval: The output of a :class:`~airflow_zuora.operators.review.ReviewEntityConnectionOperator`,
        mapped or not (``approval=review.output``), or a list of the outputs of several reviews, each answered
        by another person. Without it nothing is checked but the dependencies of the DAG (templated).
    :raises AirflowSkipException: If a person chose another option, or nobody answered in time.
    :raises ApprovalError: If there is no valid answer about this connection.
    """

    transition: ClassVar[Transition]
    template_fields: Sequence[str] = (
        "connection_id",
        "source_entity",
        "target_entity",
        "approval",
        *ZuoraOperator.template_fields,
    )

    def __init__(
        self,
        *,
        connection_id: str | None = NOT_GIVEN,
        source_entity: str | None = NOT_GIVEN,
        target_entity: str | None = NOT_GIVEN,
        approval: Any = NOT_GIVEN,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.is_guarded = False
        self.review_ids: frozenset[str] = frozenset()
        self._approval: Any = None  # not NOT_GIVEN: Airflow's DAG processor sends plain values only
        self._check_not_set_on_mapped_task("approval")
        self.check_not_replaced("approval", approval)
        if not isinstance(approval, NotGiven):
            if not self._comes_from_mapping("approval", approval):
                check_approval(approval)
            self.approval = approval
        elif self._is_mapped_over_rows:
            # Whoever may write the XCom of the rows could leave it out.
            raise ZuoraValueError(
                "There is no approval in this row of expand_kwargs(): give it in partial(), or in each row. "
                "Map with expand() if the dependencies of the DAG are enough."
            )
        self.connection_id = self.argument("connection_id", connection_id, check_connection_id)
        self.source_entity = self.argument("source_entity", source_entity, check_entity)
        self.target_entity = self.argument("target_entity", target_entity, check_entity)
        has_both_entities = self.is_given("source_entity") and self.is_given("target_entity")
        if not (self.is_guarded or self.is_given("connection_id") or has_both_entities):
            raise ZuoraValueError(f"{NO_CONNECTION}, or an approval that names the connection")

    @classmethod
    def check_mapping(cls, arguments: Mapping[str, Any]) -> None:
        """Refuse a wrong approval of a mapped task when the DAG is parsed."""
        if "approval" in arguments:
            check_approval(arguments["approval"])

    @property
    def approval(self) -> Any:
        """The approval, as it was given or as Airflow has resolved it."""
        return self._approval

    @approval.setter
    def approval(self, value: Any) -> None:
        # Once an approval was asked for, in whichever way, no value that it comes to switches the check off.
        self.is_guarded = True
        self.review_ids = referenced_reviews(value) or self.review_ids
        self._approval = value

    @property
    def instance_name(self) -> str:
        """The ids of the connections that a mapped task instance is about."""
        connection_id = None if self.connection_id == ANY else self.connection_id
        return str(connection_id or ", ".join(_named_ids(self.approval)) or super().instance_name)

    def execute(self, context: Context) -> dict[str, Any]:
        """Make the change if it is approved, and return the record of it."""
        hook = self.make_hook(context)
        approval = self._read_approval(hook, context)
        connection_id, parties = self._resolve(hook, approval)
        consent = approval.decide(connection_id) if approval else None
        if consent and consent.refusal:
            raise AirflowSkipException(
                f"Will not {self.transition.verb} {consent.subject.title}: {consent.refusal}"
            )
        acting = self.value("entity_id") or parties[1] or (consent and consent.subject.target_entity_id)
        hook = hook.for_entity(acting) if acting else hook
        change = hook.entity_connections.plan(self.transition, connection_id)
        check_parties(change.connection, *parties)
        if consent:
            consent.check(change.connection)
            if consent.not_asked and not change.done:
                raise ApprovalError(
                    f"Nobody was asked about {consent.subject.title}: {consent.not_asked} at the "
                    f"review, and is {change.connection.raw_status} now. Trigger a new run."
                )
        return self._make(change, consent, hook, context)

    def _read_approval(self, hook: ZuoraHook, context: Context) -> Approval | None:
        if not self.is_guarded:
            self.log.info("No approval= is given: only the dependencies of the DAG decide")
            return None
        # Imported when the task runs, as the hook is: each DAG file that is parsed pays for less.
        from airflow_zuora.approval.answer import Approval, Terms, seal_key

        config, ti = hook.client.config, context["ti"]
        terms = Terms(
            verb=self.transition.verb,
            key=seal_key(config.client_id, config.client_secret),
            host=config.base_url,
            dag_id=ti.dag_id,
            run_id=ti.run_id,
            now=datetime.now(UTC),
            reviews=self.review_ids or self._mapped_review_ids(),
        )
        return Approval.read(self.approval, terms)

    def _mapped_review_ids(self) -> frozenset[str]:
        """Return the ids of the reviews that the task is mapped over, whose outputs arrive as mere values."""
        task = self._mapped_task
        upstream = task.iter_mapped_dependencies() if task else ()
        return frozenset(one.task_id for one in upstream if is_review(one))

    def _resolve(
        self, hook: ZuoraHook, approval: Approval | None
    ) -> tuple[str, tuple[str | None, str | None]]:
        """
        Return the connection's id, and the ids of the source and target where these are known.

        It must be the same connection in each try: the answers say which, not what is Pending now.
        """
        connection_id = self.choice("connection_id")
        entities = self.choice("source_entity"), self.choice("target_entity")
        if connection_id is None and approval is None:
            if None in entities:
                raise ZuoraValueError(f"{NO_CONNECTION}; * is not enough")
            found = hook.entity_connections.find(*entities, self.transition.start, self.transition.end)
            return found.id, found.parties
        parties = hook.entity_connections.resolve_entities(*entities)
        if connection_id is None and approval is not None:
            subjects = approval.subjects(*parties)
            if not subjects:
                about = listed([one.title for one in approval.subjects()])
                raise ApprovalError(
                    f"None of what the approval is about is between the given entities: {about}. Correct "
                    "source_entity and target_entity, or leave them out."
                )
            if len(subjects) > 1:
                about = listed([one.title for one in subjects])
                raise ZuoraValueError(
                    f"The approval is about {len(subjects)} entity connections: {about}. Give the "
                    "connection_id of one, or both of its entities."
                )
            connection_id = subjects[0].connection_id
        return connection_id, parties

    def _make(
        self, change: StatusChange, consent: Consent | None, hook: ZuoraHook, context: Context
    ) -> dict[str, Any]:
        """Make the change, with its record before and after."""
        names = self._names(change, consent, hook)
        title = f"{names['source_name']} to {names['target_name']} (entity connection {change.connection.id})"
        approved = consent.as_dict() if consent else dict.fromkeys(("approved_by", "approved_at", "reason"))
        if consent and not consent.not_asked:
            self.log.info("%s", consent.summary)
        if not change.done:
            # Before it is sent, so that a try that is killed in between has said so.
            self.log.info("Sending %s: %s, Zuora-Track-Id %s", self.transition.verb, title, hook.track_id)
        made = change.make()
        result = {**made.as_dict(), **names, **approved, "track_id": hook.track_id}
        self.log.info("%s: %s, was %s", title, result["status"], result["previous_status"])
        if made.request_id:
            self.log.info("Zuora-Request-Id %s", made.request_id)
        if not made.changed:
            self.log.info("Nothing was left to do")
            if context["ti"].try_number > 1:
                self.log.info("An earlier try of this task may have made the change; see its log")
        self._hand_out(result, context)
        return result

    def _names(self, change: StatusChange, consent: Consent | None, hook: ZuoraHook) -> dict[str, str]:
        if consent:
            subject = consent.subject
            return {"source_name": subject.source_name, "target_name": subject.target_name}
        try:
            entities = hook.list_entities()
        except ZuoraError as error:
            self.log.warning("The names of the entities cannot be read: %s", error)
            entities = []
        row = change.connection.as_dict(entities)
        return {name: row[name] for name in ("source_name", "target_name")}

    def _hand_out(self, result: dict[str, Any], context: Context) -> None:
        """Attach the record to asset events and XCom; a failure of these must not fail the change."""
        for asset in (one for one in self.outlets if isinstance(one, Asset)):
            try:
                context["outlet_events"][asset].extra.update(result)
            except Exception:
                self.log.exception("The record could not be attached to the event of %s: %s", asset, result)
        try:
            if self.do_xcom_push:
                context["ti"].xcom_push(key="return_value", value=result)
        except Exception:
            self.log.exception("The record could not be written to XCom: %s", result)
            self.do_xcom_push = False  # Airflow would try again, and fail the task


def check_approval(value: Any) -> None:
    """
    Refuse what cannot be the output of a review, as far as that is known when the DAG is parsed.

    :raises ZuoraValueError: If it comes from another task, or from no task at all.
    """
    if isinstance(value, (list, tuple)) and value:
        for item in value:
            check_approval(item)
    elif not hasattr(value, "iter_references") and not (isinstance(value, Mapping) and value):
        raise ZuoraValueError(
            f"approval must be the output of a ReviewEntityConnectionOperator, not {shorten(value)}: give "
            "approval=review.output"
        )
    referenced_reviews(value)


def referenced_reviews(value: Any) -> frozenset[str]:
    """
    Return the ids of the reviews whose outputs a value refers to.

    :raises ZuoraValueError: If it refers to the output of another task, or to a part of one.
    """
    references = list(XComArg.iter_xcom_references(value))
    if hasattr(value, "iter_references") and not isinstance(value, XComArg):
        # An argument of a mapped task group, which refers to all that the group is mapped over.
        references = [one for one in references if is_review(one[0])] or references
    for task, key in references:
        if not is_review(task):
            raise ZuoraValueError(
                f"approval must be the output of a ReviewEntityConnectionOperator, and task {task.task_id!r} "
                f"is of type {task.task_type}. Review with a ReviewEntityConnectionOperator; or leave "
                "approval out, if the dependencies of the DAG are enough."
            )
        if key != "return_value":
            raise ZuoraValueError(f"approval must be the whole output of {task.task_id!r}, not its {key!r}")
    return frozenset(task.task_id for task, _ in references)


def is_review(task: Any) -> bool:
    """Whether a task, mapped or not, is a review."""
    # Imported only where an approval is given, and the review that gives it has been imported before.
    from airflow_zuora.operators.review import ReviewEntityConnectionOperator

    kind = getattr(task, "operator_class", type(task))
    return isinstance(kind, type) and issubclass(kind, ReviewEntityConnectionOperator)


def _named_ids(approval: Any) -> list[str]:
    """Return the ids that answers name, unchecked, as a label."""
    if isinstance(approval, (list, tuple)):
        return [*dict.fromkeys(id_ for answer in approval for id_ in _named_ids(answer))]
    connections = approval.get("connections") if isinstance(approval, dict) else None
    rows = connections if isinstance(connections, list) else []
    return [str(row.get("connection_id")) for row in rows if isinstance(row, dict)]
