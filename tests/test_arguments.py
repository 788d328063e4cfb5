"""Arguments of operators and sensors: a value that was given and is missing when the task runs is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.sdk import DAG, BaseOperator

from airflow_zuora.exceptions import ZuoraConfigError, ZuoraValueError
from airflow_zuora.operators.entity_connection import (
    AcceptEntityConnectionOperator,
    DenyEntityConnectionOperator,
    DisconnectEntityConnectionOperator,
    InitiateEntityConnectionOperator,
    ListEntityConnectionsOperator,
)
from airflow_zuora.operators.review import ReviewEntityConnectionOperator
from airflow_zuora.sensors.entity_connection import EntityConnectionSensor
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import AUSTRALIA_ENTITY_ID, CONNECTED_ID, DEFAULT_ENTITY_ID, PENDING_ID
from tests.helpers import tasks
from tests.helpers.rendering import mapped, rendered, run

REQUIRED: dict[Any, dict[str, Any]] = {
    ReviewEntityConnectionOperator: {"connection_id": PENDING_ID},
    AcceptEntityConnectionOperator: {"connection_id": PENDING_ID},
    DenyEntityConnectionOperator: {"connection_id": PENDING_ID},
    DisconnectEntityConnectionOperator: {"connection_id": CONNECTED_ID, "confirm": True},
    InitiateEntityConnectionOperator: {"target_entity_id": AUSTRALIA_ENTITY_ID},
    ListEntityConnectionsOperator: {},
    EntityConnectionSensor: {"connection_id": PENDING_ID},
}
TEMPLATED = [
    (kind, name)
    for kind in REQUIRED
    for name in kind.template_fields
    if name != "approval"  # which has a rule of its own
]
NOT_TEMPLATED = [
    *((ReviewEntityConnectionOperator, name) for name in ("change", "options", "defaults", "note")),
    *((ReviewEntityConnectionOperator, name) for name in ("response_timeout", "assigned_users")),
    (ListEntityConnectionsOperator, "all_entities"),
    *((EntityConnectionSensor, name) for name in ("statuses", "poke_interval", "deferrable")),
]


@pytest.fixture
def dag() -> DAG:
    return DAG("d", schedule=None)


@pytest.fixture
def native() -> DAG:
    return DAG("d", schedule=None, render_template_as_native_obj=True)


# A value that was given and is missing


@pytest.mark.parametrize(("kind", "name"), TEMPLATED)
@pytest.mark.parametrize("missing", [None, "", "None"])
def test_a_template_that_gives_nothing_is_named(
    dag: DAG, zuora_simulator: ZuoraSimulator, kind: Any, name: str, missing: str | None
) -> None:
    arguments = {**REQUIRED[kind], name: "{{ params.it }}"}
    with pytest.raises(ZuoraValueError, match=rf"\b{name}\b") as raised:
        run(kind(task_id="t", dag=dag, **arguments), it=missing)
    assert isinstance(raised.value, AirflowFailException)
    assert [one.path for one in zuora_simulator.requests() if one.method != "GET"] in ([], ["/oauth/token"])


@pytest.mark.parametrize(("kind", "name"), TEMPLATED)
def test_an_xcom_that_does_not_exist_is_named(
    native: DAG, zuora_simulator: ZuoraSimulator, kind: Any, name: str
) -> None:
    before = BaseOperator(task_id="before", dag=native)
    with pytest.raises(ZuoraValueError, match=rf"\b{name}\b"):
        run(kind(task_id="t", dag=native, **{**REQUIRED[kind], name: before.output}))


@pytest.mark.parametrize(
    ("kind", "name"),
    # A wrong interval is refused when the DAG is parsed already.
    [*TEMPLATED, *(one for one in NOT_TEMPLATED if one[1] != "poke_interval")],
)
def test_a_mapping_that_gives_nothing_is_named(
    dag: DAG, zuora_simulator: ZuoraSimulator, kind: Any, name: str
) -> None:
    fixed = {key: value for key, value in REQUIRED[kind].items() if key != name}
    with dag:
        operators = [
            kind.partial(task_id="expand", **fixed).expand(**{name: ["x", None]}),
            kind.partial(task_id="expand_kwargs", **fixed).expand_kwargs([{name: "x"}, {name: None}]),
        ]
    for operator in operators:
        with pytest.raises(ZuoraValueError, match=rf"\b{name}\b"):
            tasks.run(mapped(operator, 1))
    assert [one.path for one in zuora_simulator.requests() if one.method != "GET"] in ([], ["/oauth/token"])


@pytest.mark.parametrize(("kind", "name"), TEMPLATED)
def test_an_argument_that_is_set_later_and_gives_nothing_is_named(dag: DAG, kind: Any, name: str) -> None:
    operator = kind(task_id="t", dag=dag, **REQUIRED[kind])
    setattr(operator, name, "{{ params.it }}")
    with pytest.raises(ZuoraValueError, match=rf"\b{name}\b"):
        run(operator, it=None)


def test_one_missing_id_of_a_list_is_named(dag: DAG) -> None:
    ids = ["{{ params.a }}", "{{ params.b }}"]
    review = ReviewEntityConnectionOperator(task_id="review", dag=dag, connection_id=ids)
    with pytest.raises(ZuoraValueError, match="^connection_id was given, but it is .*None"):
        rendered(review, a=PENDING_ID, b=None)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *((kind, "zuora_conn_id") for kind in REQUIRED),
        (InitiateEntityConnectionOperator, "target_entity_id"),
        (DisconnectEntityConnectionOperator, "confirm"),
        (ListEntityConnectionsOperator, "all_entities"),
        *((ReviewEntityConnectionOperator, name) for name in ("change", "options", "response_timeout")),
    ],
)
def test_none_for_an_argument_that_needs_a_value_is_refused_when_the_dag_is_parsed(
    dag: DAG, kind: Any, name: str
) -> None:
    with pytest.raises(ZuoraValueError, match=rf"\b{name}\b"):
        kind(task_id="t", dag=dag, **{**REQUIRED[kind], name: None})


@pytest.mark.parametrize("users", [[], {}, [None]])
def test_a_review_without_anybody_to_answer_it_is_refused_when_the_dag_is_parsed(users: Any) -> None:
    with pytest.raises(ZuoraValueError, match="assigned_users"):
        ReviewEntityConnectionOperator(task_id="t", connection_id=PENDING_ID, assigned_users=users)


def test_none_that_the_author_wrote_is_an_argument_that_is_not_given(zuora_simulator: ZuoraSimulator) -> None:
    with DAG("d", schedule=None, default_args={"track_id": None}) as dag:
        plain = AcceptEntityConnectionOperator(task_id="plain", connection_id=PENDING_ID, entity_id=None)
        partial = AcceptEntityConnectionOperator.partial(
            task_id="partial", entity_id=None, source_entity=None
        )
        many = partial.expand(connection_id=[PENDING_ID])
    assert run(plain)["changed"]
    assert tasks.run(mapped(many, 0))["connection_id"] == PENDING_ID
    assert dag.task_dict["partial"] is many


def test_a_mapping_keeps_the_values_that_it_gives(dag: DAG, zuora_simulator: ZuoraSimulator) -> None:
    with dag:
        operator = AcceptEntityConnectionOperator.partial(task_id="accept", track_id="{{ params.track }}")
        mapping = operator.expand_kwargs([{"connection_id": PENDING_ID, "entity_id": DEFAULT_ENTITY_ID}])
    result = tasks.run(mapped(mapping, 0, track="May"))
    assert (result["connection_id"], result["track_id"]) == (PENDING_ID, "May")


@pytest.mark.parametrize(("kind", "name"), NOT_TEMPLATED)
def test_the_output_of_a_task_is_refused_where_airflow_does_not_resolve_it(
    dag: DAG, kind: Any, name: str
) -> None:
    before = BaseOperator(task_id="before", dag=dag)
    with pytest.raises(ZuoraValueError, match=name):
        kind(task_id="t", dag=dag, **{**REQUIRED[kind], name: before.output})


def test_a_list_of_all_entities_takes_no_entity(dag: DAG) -> None:
    with pytest.raises(ZuoraValueError, match="leave out entity_id"):
        ListEntityConnectionsOperator(
            task_id="list", dag=dag, all_entities=True, entity_id="{{ params.entity_id }}"
        )


@pytest.mark.parametrize(
    "entities",
    [
        {"connection_id": "*"},
        {"source_entity": "Acme US", "target_entity": "*"},
        {"connection_id": "*", "source_entity": "*", "target_entity": "Acme Germany"},
    ],
)
def test_any_is_not_enough_where_no_approval_names_the_connection(dag: DAG, entities: dict[str, str]) -> None:
    accept = AcceptEntityConnectionOperator(task_id="accept", dag=dag, **entities)
    with pytest.raises(ZuoraValueError, match=r"both source_entity and target_entity; \* is not enough"):
        run(accept)


# An Airflow connection that does not exist


@pytest.mark.parametrize("kind", REQUIRED)
def test_an_unknown_connection_fails_the_task_at_once_and_is_named(kind: Any) -> None:
    operator = kind(task_id="t", zuora_conn_id="zuora_tset", **REQUIRED[kind])
    with pytest.raises(ZuoraConfigError, match="^Airflow connection 'zuora_tset' is not defined") as raised:
        tasks.run(operator)
    assert isinstance(raised.value, AirflowFailException)


def test_testing_an_unknown_connection_names_it(make_hook: Callable[..., Any]) -> None:
    found, message = make_hook("zuora_tset").test_connection()
    assert not found
    assert message.startswith("Connection: Airflow connection 'zuora_tset' is not defined")
