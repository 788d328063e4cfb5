"""The review, from the question to the sealed answer, as a worker runs it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, BaseNotifier
from airflow.sdk import DAG, BaseOperator, Connection, Param, TaskGroup

from airflow_zuora.approval.answer import Answer, Subject, seal_key
from airflow_zuora.client.config import ZuoraConnection
from airflow_zuora.exceptions import (
    ApprovalError,
    EntityConnectionNotFoundError,
    EntityConnectionStateError,
    ZuoraConfigError,
    ZuoraValueError,
)
from airflow_zuora.operators.entity_connection import AcceptEntityConnectionOperator
from airflow_zuora.operators.hitl import PARKED
from airflow_zuora.operators.review import ReviewEntityConnectionOperator
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import (
    CONNECTED_ID,
    DEFAULT_ENTITY_ID,
    DISCONNECTED_ID,
    OUTBOUND_ID,
    PENDING_ID,
    PENDING_IDS,
    SOURCE_ENTITY_ID,
)
from tests.helpers.hostile_names import IN_TEXT, NAMES
from tests.helpers.reviews import Supervisor, supervise
from tests.helpers.tasks import context, run

AT = datetime(2026, 11, 25, 9, tzinfo=UTC)
ANN, EVE = {"id": "1", "name": "Ann"}, {"id": "2", "name": "Eve"}
APPROVED: dict[str, Any] = {
    "chosen_options": ["Approve"],
    "params_input": {"reason": None},
    "responded_at": AT,
    "responded_by_user": ANN,
    "timedout": False,
}


@pytest.fixture(autouse=True)
def supervisor(zuora_simulator: ZuoraSimulator, monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    return supervise(monkeypatch)


def review(**arguments: Any) -> ReviewEntityConnectionOperator:
    return ReviewEntityConnectionOperator(**{"task_id": "review", "connection_id": PENDING_ID, **arguments})


def ask(running: Any, **arguments: Any) -> dict[str, Any]:
    """Run a review until it waits for an answer; return what it leaves behind for the worker that goes on."""
    with pytest.raises(PARKED) as parked:
        review(**arguments).execute(running)
    left: dict[str, Any] = parked.value.kwargs  # type: ignore[attr-defined]  # both have it
    return left


def hear(running: Any, left: dict[str, Any], **event: Any) -> dict[str, Any]:
    """Give an answer to the worker that goes on, which has an operator of its own."""
    sealed: dict[str, Any] = review().execute_complete(running, {**APPROVED, **event}, **left)
    return sealed


def unseal(sealed: dict[str, Any], simulator: ZuoraSimulator) -> Answer:
    config = ZuoraConnection.read(Connection.from_json(simulator.connection_json(), "zuora_default"))
    return Answer.unseal(sealed, seal_key(config.client_id, config.client_secret))


def test_it_asks_about_what_it_has_read(supervisor: Supervisor, zuora_simulator: ZuoraSimulator) -> None:
    ask(context(task_id="review"), note="Ask **Bob**.", assigned_users={"id": "1", "name": "Ann"})
    (question,) = supervisor.questions.values()
    assert question.subject == "Connect Acme Corporation to Acme Germany?"
    assert (question.options, question.defaults) == (["Approve", "Reject"], ["Reject"])
    assert [user.id for user in question.assigned_users or []] == ["1"]
    assert list(question.params or {}) == ["reason"]
    body = question.body or ""
    for fact in (PENDING_ID, SOURCE_ENTITY_ID, DEFAULT_ENTITY_ID, zuora_simulator.url, "Ask **Bob**."):
        assert fact in body


def test_its_answer_says_what_was_asked_and_who_said_what(zuora_simulator: ZuoraSimulator) -> None:
    running = context(task_id="review", map_index=3, try_number=2)
    sealed = hear(running, ask(running), params_input={"reason": "as agreed"})
    subject = Subject(PENDING_ID, SOURCE_ENTITY_ID, "Acme Corporation", DEFAULT_ENTITY_ID, "Acme Germany")
    assert unseal(sealed, zuora_simulator) == Answer(
        option="Approve",
        answered_by="Ann",
        answered_by_id="1",
        answered_at=AT.isoformat(),
        reason="as agreed",
        timed_out=False,
        change="accept",
        connections=(subject,),
        host=zuora_simulator.url,
        dag_id="d",
        run_id="manual__1",
        task_id="review",
        map_index=3,
        try_number=2,
    )


def test_what_was_asked_is_not_read_again_when_the_answer_comes(zuora_simulator: ZuoraSimulator) -> None:
    running = context(task_id="review")
    left = ask(running)
    zuora_simulator.store.connections.deny(PENDING_ID, DEFAULT_ENTITY_ID)
    asked = len(zuora_simulator.requests())
    assert hear(running, left)["connections"][0]["not_asked"] is None
    assert len(zuora_simulator.requests()) == asked


def test_its_answer_is_what_accept_acts_on(zuora_simulator: ZuoraSimulator) -> None:
    running = context(task_id="review")
    now = datetime.now(UTC)
    sealed = hear(running, ask(running), responded_at=now)
    result = run(AcceptEntityConnectionOperator(task_id="accept", approval=sealed))
    assert (result["status"], result["approved_by"]) == ("Connected", "Ann")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, None),
        ("", None),
        (" \n ", None),
        ("as\r\nagreed\x1b", "as agreed\\x1b"),
        ("x" * 2000, f"{'x' * 997}..."),
    ],
)
def test_a_reason_is_kept_on_one_line(given: str | None, kept: str | None) -> None:
    running = context(task_id="review")
    assert hear(running, ask(running), params_input={"reason": given})["reason"] == kept


def test_an_answer_without_the_form_has_no_reason() -> None:
    running = context(task_id="review")
    assert hear(running, ask(running), params_input={})["reason"] is None


def test_who_has_no_name_is_known_by_the_id() -> None:
    running = context(task_id="review")
    sealed = hear(running, ask(running), responded_by_user={"id": 3, "name": ""})
    assert (sealed["answered_by"], sealed["answered_by_id"]) == ("3", "3")


def test_a_default_that_is_taken_in_time_is_nobodys_answer() -> None:
    running = context(task_id="review")
    taken = {"chosen_options": ["Reject"], "responded_by_user": None, "timedout": True}
    sealed = hear(running, ask(running), **taken)
    assert (sealed["option"], sealed["answered_by"], sealed["timed_out"]) == ("Reject", None, True)


@pytest.mark.parametrize("chosen", [["Approve", "Reject"], ["Reject", "Approve"], []])
def test_an_answer_must_be_one_option(chosen: list[str]) -> None:
    running = context(task_id="review")
    left = ask(running)
    with pytest.raises(ApprovalError, match="One option must be chosen"):
        hear(running, left, chosen_options=chosen)


def test_an_option_that_was_not_offered_is_refused() -> None:
    running = context(task_id="review")
    left = ask(running)
    with pytest.raises(ValueError, match="not in"):
        hear(running, left, chosen_options=["Deny"])


@pytest.mark.parametrize(
    ("change", "connection_id", "status"),
    [
        ("accept", CONNECTED_ID, "Connected"),
        ("accept", DISCONNECTED_ID, "Disconnected"),
        ("disconnect", PENDING_ID, "Pending"),
        ("disconnect", DISCONNECTED_ID, "Disconnected"),
    ],
)
def test_what_is_decided_already_is_not_asked_about(
    zuora_simulator: ZuoraSimulator,
    supervisor: Supervisor,
    change: str,
    connection_id: str,
    status: str,
) -> None:
    sealed = run(review(connection_id=connection_id, change=change), task_id="review")
    answer = unseal(sealed, zuora_simulator)
    assert (answer.option, answer.answered_by, answer.change) == (None, None, change)
    assert answer.connections[0].not_asked == f"it is {status}"
    assert supervisor.questions == {}


def test_accepting_what_nobody_was_asked_about_sends_nothing(zuora_simulator: ZuoraSimulator) -> None:
    connected = run(review(connection_id=CONNECTED_ID), task_id="review")
    result = run(AcceptEntityConnectionOperator(task_id="accept", approval=connected))
    assert (result["status"], result["changed"], result["approved_by"]) == ("Connected", False, None)
    ended = run(review(connection_id=DISCONNECTED_ID), task_id="review")
    with pytest.raises(EntityConnectionStateError, match="it is Disconnected"):
        run(AcceptEntityConnectionOperator(task_id="accept", approval=ended))
    assert zuora_simulator.requests("PUT") == []


def test_what_becomes_pending_after_nobody_was_asked_is_not_accepted(zuora_simulator: ZuoraSimulator) -> None:
    row = zuora_simulator.store.connections.get(PENDING_ID).to_api()
    body = {"success": True, "entityConnections": [{**row, "status": "Connected"}]}
    zuora_simulator.fault(method="GET", path="/v1/entity-connections", body=body, times=1)
    not_asked = run(review(), task_id="review")
    with pytest.raises(
        ApprovalError, match="Nobody was asked about .* it is Connected at the review, and is"
    ):
        run(AcceptEntityConnectionOperator(task_id="accept", approval=not_asked))
    assert zuora_simulator.requests("PUT") == []


def test_a_list_is_one_question_about_those_that_are_open(
    zuora_simulator: ZuoraSimulator, supervisor: Supervisor
) -> None:
    running = context(task_id="review")
    ids = [PENDING_IDS[2], CONNECTED_ID, PENDING_IDS[0], PENDING_IDS[2]]
    answer = unseal(hear(running, ask(running, connection_id=ids)), zuora_simulator)
    assert [one.connection_id for one in answer.connections] == [PENDING_IDS[2], CONNECTED_ID, PENDING_IDS[0]]
    assert [one.not_asked for one in answer.connections] == [None, "it is Connected", None]
    (question,) = supervisor.questions.values()
    assert question.subject == "Accept 2 entity connection requests?"
    assert CONNECTED_ID not in (question.body or "")


def test_a_disconnection_is_asked_about(supervisor: Supervisor) -> None:
    ask(context(task_id="review"), connection_id=CONNECTED_ID, change="disconnect")
    assert supervisor.subjects == ["Disconnect Acme EMEA from Acme Germany?"]


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_name_is_text_and_no_template(
    zuora_simulator: ZuoraSimulator, supervisor: Supervisor, name: str
) -> None:
    entities = [
        {"id": SOURCE_ENTITY_ID, "name": "x", "displayName": name, "status": "Provisioned"},
        {"id": DEFAULT_ENTITY_ID, "name": "Acme Germany", "status": "Provisioned"},
    ]
    body = {"success": True, "entities": entities}
    zuora_simulator.fault(method="GET", path="/v1/entities", body=body, times=2)
    running = context(task_id="review")
    sealed = hear(running, ask(running))
    assert sealed["connections"][0]["source_name"] == IN_TEXT[name]
    (question,) = supervisor.questions.values()
    assert IN_TEXT[name] in (question.body or "")
    assert not {"subject", "body"} & set(review().template_fields)


def test_the_same_question_may_be_asked_again(supervisor: Supervisor) -> None:
    """As after a clear, or by a try after one that was killed before it waited."""
    running = context(task_id="review")
    assert ask(running) == ask(running)
    assert len(supervisor.questions) == 1


class Announce(BaseNotifier):
    """Keeps what it is told."""

    def __init__(self, told: list[str], error: Exception | None = None) -> None:
        super().__init__()
        self.told = told
        self.error = error

    def notify(self, context: Any) -> None:
        self.told.append(context["task"].subject)
        if self.error:
            raise self.error


@pytest.mark.parametrize(
    ("arguments", "different"),
    [
        ({"connection_id": PENDING_IDS[1]}, "subject"),
        ({"connection_id": list(PENDING_IDS)}, "subject"),
        ({"note": "another"}, "body"),
        ({"options": ["Approve", "Reject", "Later"]}, "options"),
        ({"options": ["Approve", "Later"], "defaults": ["Later"]}, "defaults"),
        ({"assigned_users": {"id": "2", "name": "Bob"}}, "assigned_users"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_it_fails_before_anybody_is_told_if_airflow_shows_another_question(
    arguments: dict[str, Any], different: str
) -> None:
    running, told = context(task_id="review"), list[str]()
    ask(running)
    operator = review(notifiers=[Announce(told)], **arguments)
    with pytest.raises(ApprovalError, match=f"earlier question.*{different}.*Trigger a new run") as caught:
        operator.execute({**running, "task": operator})
    assert isinstance(caught.value, AirflowFailException)
    assert told == []


def test_it_fails_if_the_entity_has_another_name_since(zuora_simulator: ZuoraSimulator) -> None:
    running = context(task_id="review")
    ask(running)
    body = {
        "success": True,
        "entities": [{"id": SOURCE_ENTITY_ID, "name": "Acme Corp.", "status": "Provisioned"}],
    }
    zuora_simulator.fault(method="GET", path="/v1/entities", body=body)
    with pytest.raises(ApprovalError, match="Trigger a new run"):
        review().execute(running)


def test_it_fails_if_airflow_does_not_say_what_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(Supervisor):
        def send(self, msg: Any) -> None:
            return None

    monkeypatch.setattr("airflow.sdk.execution_time.task_runner.SUPERVISOR_COMMS", Silent(), raising=False)
    with pytest.raises(ApprovalError, match="did not return the question"):
        review().execute(context(task_id="review"))


def test_a_notifier_is_told_of_the_question_and_may_fail_the_task() -> None:
    told: list[str] = []
    operator = review(notifiers=[Announce(told)])
    with pytest.raises(PARKED):
        operator.execute({**context(task_id="review"), "task": operator})
    assert told == ["Connect Acme Corporation to Acme Germany?"]
    failing = review(notifiers=[Announce([], ValueError("no channel"))])
    with pytest.raises(ValueError, match="no channel"):
        failing.execute({**context(task_id="review"), "task": failing})


def test_an_airflow_connection_that_comes_back_costs_no_answer(
    zuora_simulator: ZuoraSimulator, monkeypatch: pytest.MonkeyPatch, clock: Any
) -> None:
    running = context(task_id="review")
    left = ask(running)
    connection = zuora_simulator.connection_json()
    monkeypatch.delenv("AIRFLOW_CONN_ZUORA_DEFAULT")
    clock.meanwhile = lambda: monkeypatch.setenv("AIRFLOW_CONN_ZUORA_DEFAULT", connection)
    assert unseal(hear(running, left), zuora_simulator).option == "Approve"
    assert len(clock.waits) == 1


def test_an_airflow_connection_that_stays_away_fails_the_task(
    monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    running = context(task_id="review")
    left = ask(running)
    monkeypatch.delenv("AIRFLOW_CONN_ZUORA_DEFAULT")
    with pytest.raises(ZuoraConfigError):
        hear(running, left)
    assert 60 < sum(waits) < 600


def test_a_request_that_is_not_the_entitys_to_decide_fails_at_once(zuora_simulator: ZuoraSimulator) -> None:
    with pytest.raises(EntityConnectionStateError, match="set entity_id"):
        run(review(connection_id=OUTBOUND_ID, entity_id=DEFAULT_ENTITY_ID))
    with pytest.raises(EntityConnectionNotFoundError, match="8a8080"):
        run(review(connection_id="8a8080"))
    with pytest.raises(EntityConnectionNotFoundError, match="8a8080, 8a8081"):
        run(review(connection_id=["8a8080", "8a8081"]))


def test_an_id_that_is_not_on_the_list_does_not_stop_the_others(supervisor: Supervisor) -> None:
    running = context(task_id="review")
    sealed = hear(running, ask(running, connection_id=["8a8080", PENDING_ID]))
    (question,) = supervisor.questions.values()
    assert "8a8080" not in f"{question.subject} {question.body}"
    assert [one["not_asked"] for one in sealed["connections"]] == ["it is not on Zuora's list", None]
    accept = AcceptEntityConnectionOperator(task_id="accept", connection_id="8a8080", approval=sealed)
    with pytest.raises(EntityConnectionNotFoundError, match="8a8080"):
        run(accept)
    accept = AcceptEntityConnectionOperator(task_id="accept", connection_id=PENDING_ID, approval=sealed)
    assert run(accept)["changed"]


@pytest.mark.parametrize(
    "value", ["", None, "a/b", [], [None], ["a/b"], [f"8a{number}" for number in range(51)], {}, 5.0]
)
def test_a_wrong_value_of_a_template_fails_at_once(supervisor: Supervisor, value: Any) -> None:
    operator = review(connection_id="{{ params.ids }}")
    operator.connection_id = value  # as rendering does
    with pytest.raises(ZuoraValueError, match="connection_id"):
        run(operator)
    assert supervisor.questions == {}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"do_xcom_push": False}, "do_xcom_push"),
    ({"subject": "Accept?"}, "subject"),
    ({"body": "Accept it."}, "body"),
    ({"multiple": True}, "multiple"),
    ({"params": {"color": Param("red")}}, "color"),
    ({"params": {"color": "red"}}, "color"),
    ({"change": "deny"}, "change"),
    ({"change": None}, "change"),
    ({"options": []}, "options"),
    ({"options": "Approve"}, "options"),
    ({"options": None}, "options"),
    ({"options": ["Accept", "Reject"]}, "Approve"),
    ({"options": ["Approve", "Deny", "Reject"], "change": "disconnect"}, "Deny"),
    ({"defaults": []}, "defaults"),
    ({"defaults": None}, "defaults"),
    ({"defaults": ["Approve"]}, "must change nothing"),
    ({"options": ["Approve", "Deny"], "defaults": ["Deny"]}, "must change nothing"),
    ({"options": ["Approve", "Later", "Reject"], "defaults": ["Later", "Reject"]}, "one of options"),
    ({"options": ["Approve", "Later"], "defaults": ["Reject"]}, "one of options"),
]


@pytest.mark.parametrize(("arguments", "named"), WRONG)
def test_what_makes_no_sense_is_refused_when_the_dag_is_parsed(arguments: dict[str, Any], named: str) -> None:
    with DAG("d", schedule=None), pytest.raises(ZuoraValueError, match=named):
        review(**arguments)


@pytest.mark.parametrize(("arguments", "named"), WRONG)
def test_what_makes_no_sense_is_refused_in_partial_too(arguments: dict[str, Any], named: str) -> None:
    with DAG("d", schedule=None), pytest.raises(ZuoraValueError, match=named):
        ReviewEntityConnectionOperator.partial(task_id="review", **arguments)


@pytest.mark.parametrize(("arguments", "named"), [pair for pair in WRONG if "params" not in pair[0]], ids=str)
def test_what_makes_no_sense_is_refused_in_default_args_too(arguments: dict[str, Any], named: str) -> None:
    in_hitl_operator = {"subject", "body"} & arguments.keys()
    with DAG("d", schedule=None, default_args=arguments):
        if in_hitl_operator:
            ask(context(task_id="review"))  # those of a HITLOperator are not this operator's
        else:
            with pytest.raises(ZuoraValueError, match=named):
                review()


@pytest.mark.parametrize(
    "connection_id", ["../x", "", [], ["a b"], [f"8a{number}" for number in range(51)]], ids=str
)
def test_a_wrong_id_is_refused_when_the_dag_is_parsed(connection_id: Any) -> None:
    with pytest.raises(ZuoraValueError, match="connection_id"):
        review(connection_id=connection_id)


@pytest.mark.parametrize(
    "users", [[], {}, {"id": 3, "name": "ann"}, {"id": "3"}, [{"id": "3", "name": "ann"}, "bob"], "ann"]
)
def test_who_may_answer_must_be_clear_when_the_dag_is_parsed(users: Any) -> None:
    """Airflow refuses the id as a number, but only when the task runs, and then again with each retry."""
    with pytest.raises(ZuoraValueError, match="assigned_users"):
        review(assigned_users=users)
    dag = DAG("d", schedule=None, default_args={"assigned_users": users})
    with pytest.raises(ZuoraValueError, match="assigned_users"):
        review(dag=dag)


def test_who_may_answer_counts_where_a_mapped_review_has_it_in_its_default_args() -> None:
    with DAG("d", schedule=None):
        partial = ReviewEntityConnectionOperator.partial(
            task_id="review", default_args={"assigned_users": ANN}
        )
        mapped = partial.expand(connection_id=[PENDING_ID])
    assert mapped.unmap({"connection_id": PENDING_ID}).assigned_users == [ANN]


@pytest.mark.parametrize(
    ("owner", "forged"),
    [
        *((owner, {"assigned_users": [EVE]}) for owner in ("dag", "group")),
        *((owner, {"default_args": {"assigned_users": [EVE]}}) for owner in ("dag", "group")),
        *((owner, {"note": "Legal has checked it."}) for owner in ("dag", "group")),
        ("group", {"task_group": None}),
    ],
)
def test_a_row_of_another_task_cannot_change_who_may_answer_or_what_the_author_says(
    owner: str, forged: dict[str, Any]
) -> None:
    defaults = {owner: {"assigned_users": [ANN], "note": "Read the contract."}}
    with (
        DAG("d", schedule=None, default_args=defaults.get("dag", {})),
        TaskGroup("group", default_args=defaults.get("group", {})),
    ):
        rows = BaseOperator(task_id="rows").output
        mapped = ReviewEntityConnectionOperator.partial(task_id="review").expand_kwargs(rows)
    assert mapped.unmap({"connection_id": PENDING_ID}).assigned_users == [ANN]
    with pytest.raises(ZuoraValueError, match="is given by partial.. or default_args"):
        mapped.unmap({"connection_id": PENDING_ID, **forged})


def test_options_may_be_mapped_beside_a_default_of_their_own() -> None:
    with DAG("d", schedule=None):
        partial = ReviewEntityConnectionOperator.partial(task_id="review", defaults=["Leave pending"])
        options: Sequence[Sequence[str]] = [["Approve", "Leave pending"]]
        mapped = partial.expand(connection_id=[PENDING_ID], options=options)
    assert mapped.unmap({"connection_id": PENDING_ID, "options": options[0]}).options == options[0]


def test_the_form_asks_for_nothing_but_the_reason() -> None:
    with DAG("d", schedule=None, params={"connection_id": Param("x"), "reason": Param("dag's own")}):
        operator = review(connection_id="{{ params.connection_id }}")
        mapped = ReviewEntityConnectionOperator.partial(task_id="mapped").expand(connection_id=[PENDING_ID])
    for one in (operator, mapped.unmap({"connection_id": PENDING_ID})):
        assert set(one.serialized_params) == {"reason"}
        assert one.serialized_params["reason"]["value"] is None


def test_people_have_seven_days() -> None:
    assert review().response_timeout == timedelta(days=7)


def test_a_review_needs_something_to_be_about() -> None:
    with pytest.raises(ZuoraValueError, match="connection_id"):
        ReviewEntityConnectionOperator(task_id="review")


def test_the_worker_that_goes_on_is_told_what_was_asked(zuora_simulator: ZuoraSimulator) -> None:
    """Not by an XCom, and not by reading again: an answer counts for what people saw."""
    left = ask(context(task_id="review"))
    assert set(left) == {"asked"}
    assert left["asked"]["host"] == zuora_simulator.url
