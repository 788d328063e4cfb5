"""The operator that asks a person about entity connections, and hands out a sealed answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import tenacity
from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param
from airflow.sdk.definitions.param import ParamsDict

from airflow_zuora.approval.answer import APPROVE, Answer, Subject, seal_key
from airflow_zuora.approval.question import ask, check_choices
from airflow_zuora.arguments import ANY, NOT_GIVEN, NotGiven
from airflow_zuora.exceptions import ApprovalError, ZuoraValueError
from airflow_zuora.models import zuora_id
from airflow_zuora.operators.base import ZuoraOperator, check_entity, check_parties
from airflow_zuora.operators.hitl import PARKED, check_stored_question
from airflow_zuora.texts import one_line, shorten
from airflow_zuora.transitions import ACCEPT, DISCONNECT

if TYPE_CHECKING:
    from airflow.sdk import Context
    from airflow.sdk.definitions.mappedoperator import OperatorPartial
    from airflow.sdk.execution_time.hitl import HITLUser

    from airflow_zuora.client.config import ZuoraConnection
    from airflow_zuora.hooks.zuora import ZuoraHook
    from airflow_zuora.models import EntityConnection
    from airflow_zuora.transitions import Transition

MAX_CONNECTIONS = 50  # in one question
MAX_REASON = 1000  # characters
NO_XCOM = "do_xcom_push cannot be False: the XCom of a review is its answer"
TRANSITIONS = {"accept": ACCEPT, "disconnect": DISCONNECT}


class ReviewEntityConnectionOperator(ZuoraOperator, HITLOperator):
    """
    Ask a person whether to accept or disconnect entity connections.

    It is a human-in-the-loop operator: ``assigned_users``, ``notifiers`` and the Required Actions page work
    as with Airflow's ``HITLOperator``. It asks about what it has just read in Zuora, and its answer says what
    was asked: hand it to the operator that acts on it, as ``approval=review.output``. *Reject* is an answer,
    not a failure. A connection that is decided already is not asked about, and the answer says why.

    :param connection_id: Zuora's id of the connection, or a list of up to 50 for one question about all of
        them (templated).
    :param source_entity: Id or name of the entity that sent the request, instead of an id (templated). With
        ``connection_id``, it has to agree.
    :param target_entity: Id or name of the entity that decides on it, in the same way (templated). Each of
        the three may be ``*``, which means any, so that a form can leave it open.
    :param change: ``accept`` (default) or ``disconnect``.
    :param options: The options, default ``("Approve", "Reject")``. *Approve* makes the change; *Deny*, for
        ``accept`` only, denies the request; any other option changes nothing in Zuora.
    :param defaults: The option that is taken when time is up, default ``("Reject",)``; neither *Approve* nor
        *Deny*.
    :param response_timeout: How long to wait for an answer, default 7 days.
    :param note: The DAG author's own words in Markdown, shown below the facts.
    :param assigned_users: The user or users who may answer, each as ``{"id": ..., "name": ...}``; by default
        everybody who may answer in this DAG.
    :return: dict with ``option`` (``None`` where nobody was asked), ``answered_by``, ``answered_by_id``,
        ``answered_at``, ``reason``, ``timed_out``; ``change``, ``connections`` and ``host`` that were asked
        about; ``dag_id``, ``run_id``, ``task_id``, ``map_index``, ``try_number``; and the ``seal``.
    :raises ApprovalError: If Airflow shows an earlier question of this task, which is about something else.
    """

    # Not subject and body: names from Zuora must not be rendered as Jinja.
    template_fields: Sequence[str] = (
        "connection_id",
        "source_entity",
        "target_entity",
        *ZuoraOperator.template_fields,
    )

    def __init__(
        self,
        *,
        connection_id: str | list[str] | None = NOT_GIVEN,
        source_entity: str | None = NOT_GIVEN,
        target_entity: str | None = NOT_GIVEN,
        change: str = "accept",
        options: Sequence[str] = (APPROVE, "Reject"),
        defaults: Sequence[str] = ("Reject",),
        response_timeout: timedelta = timedelta(days=7),
        note: str | None = NOT_GIVEN,
        assigned_users: HITLUser | list[HITLUser] | None = NOT_GIVEN,
        **kwargs: Any,
    ) -> None:
        check_choices({"change": change, "options": options, "defaults": defaults})
        check_timeout(response_timeout)
        dag = kwargs.get("dag")
        inherited = dag.params if dag else ()
        params = kwargs.pop("params", None) or {}  # those of the DAG are among them
        check_own_question(kwargs, [name for name in params if name not in inherited])
        super().__init__(
            subject="",
            options=list(options),
            defaults=list(defaults),
            response_timeout=response_timeout,
            params={"reason": _reason()},
            assigned_users=None if isinstance(assigned_users, NotGiven) else assigned_users,
            **kwargs,
        )
        check_own_question({"multiple": self.multiple}, ())  # default_args may have set it
        # Airflow 3.1 would add the DAG's own params to the form.
        self.params = ParamsDict({"reason": self.params.get_param("reason")})
        if not self.do_xcom_push:
            raise ZuoraValueError(NO_XCOM)
        self.connection_id = self.argument("connection_id", connection_id, check_connection_ids)
        self.source_entity = self.argument("source_entity", source_entity, check_entity)
        self.target_entity = self.argument("target_entity", target_entity, check_entity)
        self.change = change
        self.note = self.argument("note", note, check_note)
        self.argument("assigned_users", assigned_users, check_assigned_users)
        self.check_not_replaced("assigned_users", assigned_users)
        self.check_not_replaced("note", note)
        if not self.is_given("connection_id", "source_entity", "target_entity"):
            raise ZuoraValueError("Give connection_id, source_entity or target_entity")

    @classmethod
    def partial(cls, **kwargs: Any) -> OperatorPartial:
        """Begin a mapped review; wrong arguments are refused when the DAG is parsed."""
        if not kwargs.get("do_xcom_push", True):
            raise ZuoraValueError(NO_XCOM)
        check_own_question(kwargs, kwargs.get("params") or ())
        check_choices(kwargs)
        return super().partial(**kwargs)

    @property
    def instance_name(self) -> str:
        """The ids that a mapped task instance is about."""
        ids = self.connection_id
        if ids in (None, ANY):
            return f"{self.source_entity or ANY} to {self.target_entity or ANY}"
        return str(ids) if isinstance(ids, str) or not isinstance(ids, Sequence) else ", ".join(map(str, ids))

    def execute(self, context: Context) -> Any:
        """Ask, unless everything has been decided already."""
        hook = self.make_hook(context)
        host = hook.client.config.base_url
        subjects = self._read(hook)
        asked = {"change": self.change, "host": host, "connections": [asdict(one) for one in subjects]}
        for subject in subjects:
            self.log.info("%s: %s", subject.title, subject.not_asked or "needs a decision")
        open_subjects = [one for one in subjects if not one.not_asked]
        if not open_subjects:
            return self._seal(context, hook.client.config, asked)
        question = ask(self.change, open_subjects, host=host, options=self.options, note=self.note)
        self.subject, self.body = question.subject, question.body
        check_stored_question(self, context["ti"].id)
        try:
            return super().execute(context)
        except PARKED as parked:
            # Where neither an XCom nor a later version of the list can reach it.
            parked.kwargs = {**(parked.kwargs or {}), "asked": asked}  # type: ignore[attr-defined]  # of either class
            raise

    def execute_complete(self, context: Context, event: dict[str, Any], asked: dict[str, Any]) -> Any:  # type: ignore[override]  # with what was asked
        """Return the sealed answer."""
        answer = super().execute_complete(context, event)
        user = answer["responded_by_user"] or {}
        reason = one_line(str((answer["params_input"] or {}).get("reason") or ""), MAX_REASON)
        if len(answer["chosen_options"]) != 1:  # Airflow 3.1 accepts several
            raise ApprovalError(
                f"One option must be chosen, not {shorten(answer['chosen_options'])}. Clear the review and "
                "let a person answer it."
            )
        # If this fails, the answer is lost and has to be asked for again. A secrets backend that does not
        # answer looks like a connection that does not exist, so every error is tried again.
        config = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(14),  # about five minutes
            wait=tenacity.wait_exponential(max=30),
            reraise=True,
        )(lambda: self.make_hook(context).client.config)
        sealed = self._seal(
            context,
            config,
            asked,
            option=answer["chosen_options"][0],
            answered_by=one_line(str(user["name"] or user["id"])) if user else None,
            answered_by_id=str(user["id"]) if user else None,
            answered_at=answer["responded_at"].isoformat(),
            reason=reason or None,
            timed_out=bool(event.get("timedout")),
        )
        self.log.info("%s chose %s", sealed["answered_by"] or "Nobody", sealed["option"])
        return sealed

    def _read(self, hook: ZuoraHook) -> list[Subject]:
        """Read the connections, and say of each that is decided why nobody needs to be asked."""
        transition = TRANSITIONS[self.change]
        entities = hook.list_entities()
        entity_id = self.value("entity_id")
        subjects = []
        for connection_id, connection in self._read_connections(hook, transition).items():
            if connection is None:
                subjects.append(Subject(connection_id, "", "", "", "", "it is not on Zuora's list"))
                continue
            transition.check_entities(connection, entity_id)
            row = connection.as_dict(entities)
            status = row.pop("status")
            is_open = connection.status is transition.start
            subjects.append(Subject(**row, not_asked=None if is_open else f"it is {status}"))
        return subjects

    def _read_connections(
        self, hook: ZuoraHook, transition: Transition
    ) -> dict[str, EntityConnection | None]:
        """Read the connections by their ids; ``None`` for one that is not there, beside others that are."""
        connection_id = self.choice("connection_id")
        entities = self.choice("source_entity"), self.choice("target_entity")
        if connection_id is None:
            if entities == (None, None):
                raise ZuoraValueError(
                    "Give connection_id, source_entity or target_entity; * alone is not enough"
                )
            one = hook.entity_connections.find(*entities, transition.start, transition.end)
            return {one.id: one}
        ids = check_connection_ids(connection_id)
        source, target = hook.entity_connections.resolve_entities(*entities)
        hook = hook if target is None or self.value("entity_id") else hook.for_entity(target)
        found = hook.entity_connections.get(ids)
        for connection in found.values():
            check_parties(connection, source, target)
        return {id_: found.get(id_) for id_ in ids}

    def _seal(
        self, context: Context, config: ZuoraConnection, asked: dict[str, Any], **response: Any
    ) -> dict[str, Any]:
        ti = context["ti"]
        answer = Answer(
            option=None,
            answered_by=None,
            answered_by_id=None,
            answered_at=datetime.now(UTC).isoformat(),
            reason=None,
            timed_out=False,
            change=asked["change"],
            connections=tuple(Subject(**subject) for subject in asked["connections"]),
            host=asked["host"],
            dag_id=ti.dag_id,
            run_id=ti.run_id,
            task_id=ti.task_id,
            map_index=-1 if ti.map_index is None else ti.map_index,
            try_number=ti.try_number,
        )
        return replace(answer, **response).seal(seal_key(config.client_id, config.client_secret))


def _reason() -> Param:
    return Param(
        None,
        type=["null", "string"],
        title="Reason",
        description="Optional. It is kept with the answer.",
    )


def check_connection_ids(connection_id: Any, name: str = "connection_id") -> list[str]:
    """
    Check what a review is about.

    :return: The ids, each once; none for ``*``.
    :raises ZuoraValueError: Unless it is an id or a list of 1 to 50 ids.
    """
    if connection_id == ANY:
        return []
    ids = connection_id if isinstance(connection_id, (list, tuple)) else [connection_id]
    if not 1 <= len(ids) <= MAX_CONNECTIONS:
        raise ZuoraValueError(
            f"{name} must be an id or a list of 1 to {MAX_CONNECTIONS} ids, not {len(ids)}; map the "
            "review over more"
        )
    return list(dict.fromkeys(zuora_id(id_, name) for id_ in ids))


def check_timeout(response_timeout: Any) -> None:
    """
    Check how long to wait for an answer.

    :raises ZuoraValueError: Unless it is a positive timedelta.
    """
    if not isinstance(response_timeout, timedelta) or response_timeout <= timedelta(0):
        raise ZuoraValueError(
            f"response_timeout must be a positive timedelta, not {shorten(response_timeout)}"
        )


def check_note(note: Any, name: str) -> None:
    """Accept text."""
    if not isinstance(note, str):
        raise ZuoraValueError(f"{name} must be a string, not {shorten(note)}")


def check_assigned_users(users: Any, name: str) -> None:
    """
    Check who may answer; without any, everybody could.

    :raises ZuoraValueError: Unless it is a user or a list of users, each with id and name as text.
    """
    listed = users if isinstance(users, list) else [users]
    is_right = all(
        isinstance(user, dict) and all(isinstance(user.get(name), str) for name in ("id", "name"))
        for user in listed
    )
    if not listed or not is_right:
        raise ZuoraValueError(
            f'{name} must be a user, such as {{"id": "3", "name": "ann"}}, or a list of users, not '
            f"{shorten(users)}"
        )


def check_own_question(arguments: Mapping[str, Any], own_params: Collection[str]) -> None:
    """
    Refuse arguments of ``HITLOperator`` that would change the question or its form.

    :raises ZuoraValueError: If there is one; the error names it.
    """
    if refused := [*filter(arguments.get, ("subject", "body", "multiple")), *own_params]:
        raise ZuoraValueError(
            f"{', '.join(refused)} cannot be given: a review writes its own question; use note"
        )
