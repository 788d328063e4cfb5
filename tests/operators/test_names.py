"""The operators where entities are given by name, and where nobody named the entity of a connection."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_zuora.exceptions import ApprovalError, EntityConnectionNotFoundError, ZuoraValueError
from airflow_zuora.models import entity_hex, entity_uuid
from airflow_zuora.operators.entity_connection import (
    AcceptEntityConnectionOperator,
    DenyEntityConnectionOperator,
    DisconnectEntityConnectionOperator,
)
from airflow_zuora.operators.review import ReviewEntityConnectionOperator
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import (
    APAC_ENTITY_ID,
    CONNECTED_ID,
    DEFAULT_ENTITY_ID,
    EMEA_ENTITY_ID,
    FRANCE_ENTITY_ID,
    OUTBOUND_ID,
    PENDING_ID,
    PENDING_IDS,
    UK_ENTITY_ID,
    UNRELATED_ID,
    US_ENTITY_ID,
)
from tests.helpers.reviews import Supervisor, answer, run, supervise
from tests.helpers.tasks import context
from tests.helpers.zuora import status_of

ACCEPT = AcceptEntityConnectionOperator
DENY = DenyEntityConnectionOperator
DISCONNECT = DisconnectEntityConnectionOperator
DENIABLE = {"options": ["Approve", "Deny", "Reject"]}


@pytest.fixture
def supervisor(monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    return supervise(monkeypatch)


@pytest.fixture(autouse=True)
def _no_entity_is_set(
    zuora_simulator: ZuoraSimulator, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ZUORA_DEFAULT", zuora_simulator.connection_json(entity_id=None))


def set_entity(simulator: ZuoraSimulator, monkeypatch: pytest.MonkeyPatch, entity_id: str) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ZUORA_DEFAULT", simulator.connection_json(entity_id=entity_id))


def changed_in(simulator: ZuoraSimulator) -> list[str]:
    """Return the entities that made changes."""
    return [entity_hex(one.headers["zuora-entity-ids"]) for one in simulator.requests("PUT")]


@pytest.mark.parametrize(
    ("entities", "connection_id", "question"),
    [
        (
            {"source_entity": "Acme US", "target_entity": "Acme Germany"},
            PENDING_IDS[1],
            "Connect Acme US to Acme Germany?",
        ),
        ({"source_entity": "Acme Japan"}, PENDING_IDS[2], "Connect Acme Japan to Acme Germany?"),
        ({"target_entity": "Acme France"}, OUTBOUND_ID, "Connect Acme Germany to Acme France?"),
        ({"target_entity": APAC_ENTITY_ID}, UNRELATED_ID, "Connect Acme Corporation to Acme APAC?"),
        (
            {"source_entity": "*", "target_entity": "Acme France", "connection_id": "*"},
            OUTBOUND_ID,
            "Connect Acme Germany to Acme France?",
        ),
        (
            {"source_entity": "*", "target_entity": "*", "connection_id": UNRELATED_ID},
            UNRELATED_ID,
            "Connect Acme Corporation to Acme APAC?",
        ),
        (  # which has three
            {"target_entity": "Acme Germany", "connection_id": PENDING_IDS[1]},
            PENDING_IDS[1],
            "Connect Acme US to Acme Germany?",
        ),
    ],
    ids=[
        "both",
        "source",
        "target",
        "target by id",
        "any source",
        "an id, any entities",
        "an id and its target",
    ],
)
def test_a_review_asks_about_the_request_that_the_entities_name(
    entities: dict[str, str], connection_id: str, question: str, supervisor: Supervisor
) -> None:
    sealed = answer(**entities)
    assert [one["connection_id"] for one in sealed["connections"]] == [connection_id]
    assert supervisor.subjects == [question]


@pytest.mark.parametrize(
    ("kind", "option", "after"), [(ACCEPT, "Approve", "Connected"), (DENY, "Deny", "Disconnected")]
)
def test_the_change_is_made_in_the_target_that_the_answer_names(
    kind: type, option: str, after: str, zuora_simulator: ZuoraSimulator
) -> None:
    approval = answer(option, target_entity="Acme France", **DENIABLE)
    result = run(kind, approval=approval)
    assert (result["target_name"], result["status"]) == ("Acme France", after)
    assert changed_in(zuora_simulator) == [FRANCE_ENTITY_ID]
    assert status_of(zuora_simulator, OUTBOUND_ID) == after


def test_a_request_that_is_connected_already_is_not_asked_about(
    supervisor: Supervisor, zuora_simulator: ZuoraSimulator
) -> None:
    approval = answer(source_entity="Acme EMEA", target_entity="Acme Germany")
    assert (approval["option"], supervisor.subjects) == (None, [])
    result = run(ACCEPT, approval=approval)
    assert (result["connection_id"], result["status"], result["changed"]) == (
        CONNECTED_ID,
        "Connected",
        False,
    )
    assert zuora_simulator.requests("PUT") == []


@pytest.mark.parametrize(
    ("kind", "entities", "target", "after"),
    [
        (
            ACCEPT,
            {"source_entity": "Acme US", "target_entity": "Acme Germany"},
            DEFAULT_ENTITY_ID,
            "Connected",
        ),
        (
            DENY,
            {"source_entity": "Acme Germany", "target_entity": FRANCE_ENTITY_ID},
            FRANCE_ENTITY_ID,
            "Disconnected",
        ),
    ],
)
def test_both_entities_will_do_without_a_review_too(
    kind: type, entities: dict[str, str], target: str, after: str, zuora_simulator: ZuoraSimulator
) -> None:
    assert run(kind, **entities)["status"] == after
    assert changed_in(zuora_simulator) == [target]


@pytest.mark.parametrize("kind", [ACCEPT, DENY, DISCONNECT])
@pytest.mark.parametrize("name", ["source_entity", "target_entity"])
def test_one_entity_is_not_enough_without_a_review(kind: type, name: str) -> None:
    """In the next try, another request of this entity could be Pending."""
    with pytest.raises(ZuoraValueError, match="both source_entity and target_entity"):
        kind(task_id="change", **{name: "Acme US"})


@pytest.mark.parametrize(
    "named", [{}, {"source_entity": "Acme US"}, {"source_entity": "Acme US", "target_entity": "Acme Germany"}]
)
def test_the_next_try_is_about_the_same_request_whatever_has_arrived_since(
    named: dict[str, str], zuora_simulator: ZuoraSimulator
) -> None:
    approval = answer(source_entity="Acme US")
    run(ACCEPT, approval=approval, **named)  # as the worker is killed after that
    arrived = zuora_simulator.send_request(US_ENTITY_ID, FRANCE_ENTITY_ID)
    again = run(ACCEPT, approval=approval, **named)
    assert (again["connection_id"], again["changed"]) == (PENDING_IDS[1], False)
    assert status_of(zuora_simulator, arrived) == "Pending"


def test_the_entities_say_which_of_the_requests_of_an_answer(zuora_simulator: ZuoraSimulator) -> None:
    approval = answer(connection_id=[PENDING_ID, PENDING_IDS[1], OUTBOUND_ID])
    assert run(ACCEPT, approval=approval, source_entity="Acme US")["connection_id"] == PENDING_IDS[1]
    assert run(ACCEPT, approval=approval, target_entity="Acme France")["connection_id"] == OUTBOUND_ID
    with pytest.raises(ZuoraValueError, match="about 2 entity connections: .*Give the connection_id"):
        run(ACCEPT, approval=approval, target_entity="Acme Germany")


def test_running_an_accept_by_entities_again_changes_nothing(zuora_simulator: ZuoraSimulator) -> None:
    entities = {"source_entity": "Acme US", "target_entity": "Acme Germany"}
    first, second = run(ACCEPT, **entities), run(ACCEPT, **entities)
    assert (first["changed"], second["changed"]) == (True, False)
    assert first["connection_id"] == second["connection_id"] == PENDING_IDS[1]
    assert len(zuora_simulator.requests("PUT")) == 1


def test_a_connection_is_disconnected_by_the_names_of_its_entities(zuora_simulator: ZuoraSimulator) -> None:
    result = run(DISCONNECT, source_entity="Acme EMEA", target_entity="Acme Germany", confirm=True)
    assert (result["connection_id"], result["status"]) == (CONNECTED_ID, "Disconnected")


def test_the_answer_has_to_be_about_the_request_that_the_entities_name(
    zuora_simulator: ZuoraSimulator,
) -> None:
    approval = answer(target_entity="Acme France")
    with pytest.raises(
        ApprovalError, match=f"^None of what the approval is about is between .*{OUTBOUND_ID}"
    ):
        run(ACCEPT, approval=approval, source_entity="Acme US", target_entity="Acme Germany")
    assert zuora_simulator.requests("PUT") == []


@pytest.mark.parametrize("kind", [ReviewEntityConnectionOperator, ACCEPT, DENY])
def test_the_id_and_the_entities_have_to_agree(kind: type, zuora_simulator: ZuoraSimulator) -> None:
    with pytest.raises(EntityConnectionNotFoundError, match=f"{entity_uuid(FRANCE_ENTITY_ID)}.*{PENDING_ID}"):
        run(kind, connection_id=PENDING_ID, target_entity="Acme France")
    with pytest.raises(ZuoraValueError, match=f"{OUTBOUND_ID} is from entity {DEFAULT_ENTITY_ID}"):
        run(kind, connection_id=OUTBOUND_ID, source_entity="Acme US")
    assert zuora_simulator.requests("PUT") == []


@pytest.mark.parametrize("kind", [ACCEPT, DENY])
def test_a_change_of_an_id_is_made_in_the_target_that_is_given(
    kind: type, zuora_simulator: ZuoraSimulator
) -> None:
    run(kind, connection_id=OUTBOUND_ID, source_entity="Acme Germany", target_entity="Acme France")
    assert changed_in(zuora_simulator) == [FRANCE_ENTITY_ID]


def test_a_review_may_name_the_target_of_several_requests() -> None:
    sealed = answer(connection_id=list(PENDING_IDS[:2]), target_entity="Acme Germany")
    assert [one["connection_id"] for one in sealed["connections"]] == list(PENDING_IDS[:2])


def test_a_review_that_finds_several_requests_fails_and_says_so() -> None:
    with pytest.raises(ZuoraValueError, match="There are 3 Pending"):
        answer(target_entity="Acme Germany")


@pytest.mark.parametrize("kind", [ReviewEntityConnectionOperator, ACCEPT, DENY])
@pytest.mark.parametrize(
    ("entities", "error", "says"),
    [
        (
            {"source_entity": "Acme US", "target_entity": "Acme Gremany"},
            ZuoraValueError,
            "Acme Germany",
        ),
        (
            {"source_entity": "Acme UK", "target_entity": "Acme Germany"},
            EntityConnectionNotFoundError,
            "Found: none",
        ),
        ({"source_entity": "*", "target_entity": "*"}, ZuoraValueError, "connection"),
    ],
    ids=["unknown name", "none", "nothing said"],
)
def test_entities_that_name_no_single_request_fail_at_once_and_say_what_there_is(
    kind: type, entities: dict[str, str], error: type[Exception], says: str, zuora_simulator: ZuoraSimulator
) -> None:
    with pytest.raises(error, match=says) as raised:
        run(kind, **entities)
    assert isinstance(raised.value, AirflowFailException)
    assert zuora_simulator.requests("PUT") == []


@pytest.mark.parametrize("kind", [ReviewEntityConnectionOperator, ACCEPT, DENY])
@pytest.mark.parametrize("name", ["source_entity", "target_entity"])
@pytest.mark.parametrize("missing", [None, ""])
def test_a_name_that_was_given_but_is_missing_fails(
    kind: type, name: str, missing: Any, zuora_simulator: ZuoraSimulator
) -> None:
    operator = kind(task_id="t", connection_id=PENDING_ID, **{name: "{{ ti.xcom_pull(task_ids='gone') }}"})
    setattr(operator, name, missing)  # as rendering does
    with pytest.raises(ZuoraValueError, match=f"{name} was given"):
        operator.execute(context(task_id="t"))
    assert zuora_simulator.requests("PUT") == []


@pytest.mark.parametrize("kind", [ReviewEntityConnectionOperator, ACCEPT, DENY])
@pytest.mark.parametrize("name", ["source_entity", "target_entity"])
@pytest.mark.parametrize("value", ["", "  ", True, ["Acme US"]])
def test_what_is_not_a_name_is_refused_when_the_dag_is_parsed(kind: type, name: str, value: Any) -> None:
    with pytest.raises(ZuoraValueError):
        kind(task_id="t", connection_id=PENDING_ID, **{name: value})


@pytest.mark.parametrize(
    ("kind", "connection_id", "target"),
    [
        (ACCEPT, UNRELATED_ID, APAC_ENTITY_ID),
        (DENY, OUTBOUND_ID, FRANCE_ENTITY_ID),
        (DISCONNECT, CONNECTED_ID, DEFAULT_ENTITY_ID),
    ],
)
def test_a_connection_whose_entity_nobody_named_is_changed_in_its_target(
    kind: type, connection_id: str, target: str, zuora_simulator: ZuoraSimulator
) -> None:
    confirmed = {"confirm": True} if kind is DISCONNECT else {}
    assert run(kind, connection_id=connection_id, **confirmed)["changed"] is True
    assert changed_in(zuora_simulator) == [target]


def test_a_review_finds_a_connection_whose_entity_nobody_named(supervisor: Supervisor) -> None:
    answer(connection_id=UNRELATED_ID)
    assert supervisor.subjects == ["Connect Acme Corporation to Acme APAC?"]


def test_a_connection_that_no_entity_has_fails_at_once(zuora_simulator: ZuoraSimulator) -> None:
    with pytest.raises(EntityConnectionNotFoundError, match="8a8080") as raised:
        run(ACCEPT, connection_id="8a8080")
    assert isinstance(raised.value, AirflowFailException)


def test_an_entity_id_goes_before_the_target_that_the_answer_names(
    zuora_simulator: ZuoraSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_entity(zuora_simulator, monkeypatch, UK_ENTITY_ID)
    approval = answer(target_entity="Acme France")
    run(ACCEPT, approval=approval, entity_id=FRANCE_ENTITY_ID)
    assert changed_in(zuora_simulator) == [FRANCE_ENTITY_ID]
    with pytest.raises(AirflowFailException, match="Only the target can accept|has no entity connection"):
        run(ACCEPT, approval=approval, entity_id=EMEA_ENTITY_ID)


def test_a_target_goes_before_the_entity_of_the_airflow_connection(
    zuora_simulator: ZuoraSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_entity(zuora_simulator, monkeypatch, UK_ENTITY_ID)
    run(ACCEPT, approval=answer(target_entity="Acme France"))
    run(DENY, source_entity="Acme Corporation", target_entity=APAC_ENTITY_ID)
    assert changed_in(zuora_simulator) == [FRANCE_ENTITY_ID, APAC_ENTITY_ID]
