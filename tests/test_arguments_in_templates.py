"""Arguments of operators in templates, also of DAGs with native objects or delimiters of their own."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow.sdk import DAG, BaseOperator

from airflow_zuora.exceptions import ZuoraValueError
from airflow_zuora.operators.entity_connection import (
    AcceptEntityConnectionOperator,
    ListEntityConnectionsOperator,
)
from airflow_zuora.operators.review import ReviewEntityConnectionOperator
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import DEFAULT_ENTITY_ID, PENDING_ID
from tests.helpers import tasks
from tests.helpers.rendering import mapped, rendered, run


@pytest.fixture
def dag() -> DAG:
    return DAG("d", schedule=None)


@pytest.fixture
def native() -> DAG:
    return DAG("d", schedule=None, render_template_as_native_obj=True)


# What render_template_as_native_obj makes of digits


@pytest.mark.parametrize("text", ["7", "123", "0123", "12345678123412341234123456789012", PENDING_ID])
def test_a_connection_id_of_digits_stays_text(native: DAG, text: str) -> None:
    accept = AcceptEntityConnectionOperator(task_id="accept", dag=native, connection_id="{{ params.id }}")
    assert rendered(accept, id=text).connection_id == text


def test_digits_stay_text_where_a_task_asks_for_native_objects(dag: DAG) -> None:
    if "render_template_as_native_obj" not in inspect.signature(BaseOperator.__init__).parameters:
        pytest.skip("tasks have this setting since Airflow 3.2")
    accept = AcceptEntityConnectionOperator(
        task_id="accept", dag=dag, connection_id="{{ params.id }}", render_template_as_native_obj=True
    )
    assert rendered(accept, id="12e4").connection_id == "12e4"


def test_an_entity_id_of_digits_stays_text(native: DAG) -> None:
    digits = "12345678123412341234123456789012"
    listing = ListEntityConnectionsOperator(task_id="list", dag=native, entity_id="{{ params.id }}")
    assert rendered(listing, id=digits).entity_id == digits


def test_an_entity_whose_name_is_digits_stays_text(native: DAG) -> None:
    review = ReviewEntityConnectionOperator(task_id="review", dag=native, source_entity="{{ params.name }}")
    assert rendered(review, name="2026").source_entity == "2026"


@pytest.mark.parametrize(
    ("given", "ids"),
    [
        (["{{ params.a }}", "{{ params.b }}"], ["123", "8a80"]),
        (("{{ params.a }}", "{{ params.b }}"), ["123", "8a80"]),
        ("{{ [params.a, params.b] }}", ["123", "8a80"]),
        ("{{ [123, 456] }}", ["123", "456"]),
        ("{{ params.a }}", "123"),
    ],
)
def test_connection_ids_of_a_list_stay_text(native: DAG, given: Any, ids: Any) -> None:
    review = ReviewEntityConnectionOperator(task_id="review", dag=native, connection_id=given)
    assert rendered(review, a="123", b="8a80").connection_id == ids
    assert review.instance_name.startswith("123")


def test_a_track_id_of_digits_is_sent_as_it_was_written(native: DAG, zuora_simulator: ZuoraSimulator) -> None:
    listing = ListEntityConnectionsOperator(task_id="list", dag=native, track_id="{{ params.date }}")
    run(listing, date="20261125")
    assert {one.track_id for one in zuora_simulator.requests("GET")} == {"20261125"}


@pytest.mark.parametrize(
    "text", ["1e5", "12e4", "1_000", "0x1F", "True", "'Acme'", "12.50", "+5", "None of them"]
)
@pytest.mark.parametrize("name", ["source_entity", "track_id", "zuora_conn_id"])
def test_a_text_that_python_reads_as_something_else_stays_as_it_was_written(
    native: DAG, name: str, text: str
) -> None:
    arguments = {"connection_id": PENDING_ID, name: "{{ params.it }}"}
    accept = AcceptEntityConnectionOperator(task_id="accept", dag=native, **arguments)
    if name == "track_id" and "'" in text:  # Zuora's rule
        with pytest.raises(ZuoraValueError, match="^track_id must be"):
            rendered(accept, it=text)
    else:
        assert getattr(rendered(accept, it=text), name) == text


@pytest.mark.parametrize("text", ["12e45678123412341234123456789012", "12345678123412341234123456789012"])
def test_an_entity_id_that_python_reads_as_a_number_stays_as_it_was_written(native: DAG, text: str) -> None:
    with native:
        partial = AcceptEntityConnectionOperator.partial(task_id="accept", entity_id="{{ params.it }}")
        many = partial.expand(connection_id=[PENDING_ID])
    assert mapped(many, 0, it=text).entity_id == text


@pytest.mark.parametrize("ids", [["1_2", "12e4"], ["8a80", "0123"]])
def test_each_id_of_a_list_stays_as_it_was_written(native: DAG, ids: list[str]) -> None:
    given = ["{{ params.ids[0] }}", "{{ params.ids[1] }}"]
    review = ReviewEntityConnectionOperator(task_id="review", dag=native, connection_id=given)
    assert rendered(review, ids=ids).connection_id == ids


@pytest.mark.parametrize("value", [1.5, float("inf"), 12e45])
def test_a_number_whose_text_is_lost_is_named(value: float) -> None:
    dag = DAG("d", schedule=None)
    ids = BaseOperator(task_id="ids", dag=dag)
    arguments: dict[str, Any] = {"connection_id": ids.output}
    accept = AcceptEntityConnectionOperator(task_id="accept", dag=dag, **arguments)
    with pytest.raises(
        ZuoraValueError, match="^connection_id was read as the number .* return it as"
    ) as raised:
        rendered(accept, ids=value)
    assert isinstance(raised.value, AirflowFailException)


def test_a_number_with_more_digits_than_python_writes_is_named() -> None:
    with pytest.raises(ZuoraValueError, match="^connection_id is a number with too many digits"):
        ReviewEntityConnectionOperator(task_id="review", connection_id=10**5000)  # type: ignore[arg-type]


def test_whole_numbers_from_an_xcom_are_the_text_that_they_were() -> None:
    dag = DAG("d", schedule=None)
    ids = BaseOperator(task_id="ids", dag=dag)
    arguments: dict[str, Any] = {"connection_id": ids.output}
    review = ReviewEntityConnectionOperator(task_id="review", dag=dag, **arguments)
    assert rendered(review, ids=[123, 456]).connection_id == ["123", "456"]


# Templates with other delimiters

BRACKETS = {"variable_start_string": "[[", "variable_end_string": "]]", "line_statement_prefix": "##"}


@pytest.mark.parametrize(
    "id_", ["[[ params.id ]]", "{% if true %}8a80{% endif %}", "{# or #}8a80", "## if x"]
)
def test_templates_with_the_delimiters_of_the_dag_are_left_for_the_run(id_: str) -> None:
    with DAG("d", schedule=None, jinja_environment_kwargs=BRACKETS):
        accept = AcceptEntityConnectionOperator(task_id="accept", connection_id=id_)
    assert accept.connection_id == id_


def test_a_template_with_the_delimiters_of_the_dag_is_rendered(zuora_simulator: ZuoraSimulator) -> None:
    with DAG("d", schedule=None, jinja_environment_kwargs=BRACKETS):
        accept = AcceptEntityConnectionOperator(task_id="accept", connection_id="[[ params.id ]]")
        partial = AcceptEntityConnectionOperator.partial(task_id="mapped", connection_id="[[ params.id ]]")
        many = partial.expand(entity_id=[DEFAULT_ENTITY_ID])
    assert run(accept, id=PENDING_ID)["connection_id"] == PENDING_ID
    assert tasks.run(mapped(many, 0, id=PENDING_ID))["connection_id"] == PENDING_ID


@pytest.mark.parametrize("id_", ["../x", "", "None", True, 1.5, ["a"], {"a": 1}, b"8a80"])
@pytest.mark.parametrize("settings", [None, BRACKETS])
def test_a_wrong_literal_value_is_refused_when_the_dag_is_parsed(settings: Any, id_: Any) -> None:
    dag = DAG("d", schedule=None, jinja_environment_kwargs=settings)
    with pytest.raises(ZuoraValueError, match="connection_id"):
        AcceptEntityConnectionOperator(task_id="accept", dag=dag, connection_id=id_)


def test_the_usual_delimiters_are_a_wrong_value_where_the_dag_has_others() -> None:
    dag = DAG("d", schedule=None, jinja_environment_kwargs=BRACKETS)
    with pytest.raises(ZuoraValueError, match="connection_id"):
        AcceptEntityConnectionOperator(task_id="accept", dag=dag, connection_id="{{ params.id }}")


def test_a_function_that_airflow_calls_is_left_for_the_run() -> None:
    arguments: dict[str, Any] = {"connection_id": lambda context, jinja_env: context["params"]["id"]}
    accept = AcceptEntityConnectionOperator(task_id="accept", dag=DAG("d", schedule=None), **arguments)
    assert rendered(accept, id=PENDING_ID).connection_id == PENDING_ID


class Text:
    template_fields = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


class ListWithText(ListEntityConnectionsOperator):
    template_fields = ("text", *ListEntityConnectionsOperator.template_fields)

    def __init__(self, *, text: Text, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.text = text


def test_an_argument_of_a_subclass_may_have_templates_inside() -> None:
    text, dag = Text("{{ params.it }}"), DAG("d", schedule=None)
    listing = ListWithText(task_id="list", dag=dag, text=text, track_id="{{ params.track }}")
    assert rendered(listing, it="x", track="May").track_id == "May"
    assert text.text == "x"


# Rows that another task hands out


@pytest.mark.parametrize("native_objects", [False, True])
@pytest.mark.parametrize("name", ["{{ 7 * 7 }}", "{% raw %}", "49", "1_000"])
def test_what_comes_with_a_row_is_data_and_no_template(name: str, native_objects: bool) -> None:
    with DAG("d", schedule=None, render_template_as_native_obj=native_objects) as dag:
        rows: Any = BaseOperator(task_id="rows").output
        partial = ReviewEntityConnectionOperator.partial(task_id="review", track_id="{{ params.track_id }}")
        many = partial.expand_kwargs(rows)
    dag.default_args["zuora_conn_id"] = "{{ params.conn_id }}"
    one = mapped(many, 0, rows=[{"source_entity": name}], track_id="8_1", conn_id="zuora_eu")
    assert (one.source_entity, one.track_id, one.zuora_conn_id) == (name, "8_1", "zuora_eu")


def test_what_a_row_puts_in_the_place_of_an_argument_of_partial_is_data_too() -> None:
    with DAG("d", schedule=None):
        rows: Any = BaseOperator(task_id="rows").output
        partial = ReviewEntityConnectionOperator.partial(task_id="review", source_entity="{{ params.name }}")
        many = partial.expand_kwargs(rows, strict=False)
    assert (
        mapped(many, 0, rows=[{"source_entity": "{{ 7 * 7 }}"}], name="Acme US").source_entity
        == "{{ 7 * 7 }}"
    )
    assert mapped(many, 0, rows=[{"target_entity": "x"}], name="Acme US").source_entity == "Acme US"
    with pytest.raises(ZuoraValueError, match="source_entity was given, but it is None"):
        mapped(many, 0, rows=[{"source_entity": None}], name="Acme US")


def test_what_the_author_of_the_dag_writes_into_a_row_is_a_template() -> None:
    with DAG("d", schedule=None):
        partial = ReviewEntityConnectionOperator.partial(task_id="review")
        many = partial.expand_kwargs([{"source_entity": "{{ params.name }}"}])
    assert mapped(many, 0, name="Acme US").source_entity == "Acme US"
