"""Secrets stay in the Airflow connection, whatever fails, and at the log level DEBUG of all parts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict

import pytest

from airflow_zuora.approval.answer import seal_key
from airflow_zuora.demo.airflow import LocalAirflow
from airflow_zuora.simulator import ZuoraSimulator
from tests.airflow import leak_locations
from tests.airflow.acme import new_request
from tests.airflow.failing_tasks import SHOWN, FailingConnections
from tests.airflow.runs import PATIENCE, Run, trigger
from tests.helpers.secret_search import SecretSearch

Texts = Iterable[tuple[str, str]]
# These tests create their connections through the REST API. Airflow shows the login of a connection to users
# who may read connections, and records it in its audit log.
SHOW_LOGINS = ("log.extra", "GET /api/v2/connections", "GET /api/v2/eventLogs")
ERRORS = {
    "zuora_expired_token": "ZuoraAuthError",
    "zuora_forbidden": "ZuoraPermissionError",
    "zuora_not_found": "ZuoraNotFoundError",
    "zuora_rule": "ZuoraRuleError",
    "zuora_lock": "ZuoraBusyError",
    "zuora_throttle": "ZuoraRateLimitError",
    "zuora_server_error": "ZuoraServerError",
    "zuora_half_body": "ZuoraTransportError",
    "zuora_dropped": "ZuoraTransportError",
    "zuora_lost_change": "ZuoraOutcomeUnknownError",
    "zuora_timed_out": "ZuoraTransportError",
    "zuora_redirect": "ZuoraRequestError",
    "zuora_no_token": "ZuoraServerError",
    "zuora_odd_token": "ZuoraResponseError",
    "zuora_wrong_secret": "ZuoraAuthError",
    "zuora_unknown_client": "ZuoraAuthError",
    "zuora_refused_port": "ZuoraNotSentError",
    "zuora_unknown_host": "ZuoraNotSentError",
    "zuora_unknown_extra": "ZuoraConfigError",
    "zuora_deactivated": "ZuoraAuthError",
    "zuora_bad_certificate": "ZuoraConfigError",
}


class Secrets:
    """All secrets that exist so far: the Client Secrets, the keys of the seals, and the tokens."""

    def __init__(self, zuora: ZuoraSimulator, failing: FailingConnections) -> None:
        tests = zuora.connection_json(client="marked")
        connections = [json.loads(one) for one in (tests, *failing.connections.values())]
        logins = [connection["login"] for connection in connections]
        hidden = [connection["password"] for connection in connections]
        hidden += [seal_key(one["login"], one["password"]).hex() for one in connections]
        for simulator in (zuora, *failing.simulators):
            hidden += simulator.store.access.issued
        self._hidden = SecretSearch(hidden)
        self._all = SecretSearch([*hidden, *logins])

    def finds(self, where: str, text: str) -> list[str]:
        return (self._hidden if where.startswith(SHOW_LOGINS) else self._all).finds(text)


@pytest.fixture(scope="module")
def failures(airflow: LocalAirflow) -> Run:
    """The run of the first test, or a new one where that was not chosen."""
    runs = airflow.call("GET", "/api/v2/dags/failures/dagRuns")["dag_runs"]
    if runs:
        return Run(airflow, "failures", runs[0]["dag_run_id"])
    run = trigger(airflow, "failures", connections=SHOWN)
    run.wait()
    return run


@pytest.mark.side_by_side
def test_the_tasks_of_users_fail(airflow: LocalAirflow, zuora: ZuoraSimulator) -> None:
    run = trigger(airflow, "failures", connections=SHOWN)
    run.wait()
    for task, count in {"accept": 4, "poke": 1, "deferred": 2, "escape": 1}.items():
        assert run.states(task) == ["failed"] * count
    assert "Pausing task as DEFERRED" in run.log("deferred")


def test_each_connection_fails_in_its_own_way(failures: Run) -> None:
    lines = [json.loads(line) for line in failures.log("show").splitlines()]
    errors = {line["event"]: line["error_detail"][0]["exc_type"] for line in lines if "error_detail" in line}
    assert errors == {f"{conn_id} failed": error for conn_id, error in ERRORS.items()}
    assert set(ERRORS) == set(SHOWN) - {"zuora_foreign_page"}, "the page is not followed, so nothing fails"


def test_a_deferred_task_fails_with_the_error_of_the_trigger_and_its_facts(failures: Run) -> None:
    shown = failures.log("deferred")  # the failure callback shows the attributes of the error
    assert shown.count("'http_status': 401") >= 2
    assert shown.count("'retry_after': None, 'request_id': '") >= 1


def test_a_file_that_calls_zuora_while_it_is_parsed_shows_no_secret_in_its_import_error(
    airflow: LocalAirflow, zuora: ZuoraSimulator, failing: FailingConnections
) -> None:
    def error() -> str | None:
        found = airflow.call("GET", "/api/v2/importErrors")["import_errors"]
        return next((one["stack_trace"] for one in found if "ZuoraAuthError" in one["stack_trace"]), None)

    shown = airflow.wait_for("the import error", error, timeout=PATIENCE)
    assert Secrets(zuora, failing).finds("import error", shown) == []


@pytest.mark.parametrize("name", ["wrong_secret", "expired_token", "bad_certificate"])
def test_the_test_of_a_connection_that_fails_shows_no_secret(
    airflow: LocalAirflow, zuora: ZuoraSimulator, failing: FailingConnections, name: str
) -> None:
    fields = json.loads(failing.connections[name])
    body = {**fields, "connection_id": f"zuora_{name}", "extra": json.dumps(fields["extra"])}
    answer = airflow.call("POST", "/api/v2/connections/test", json=body)
    assert answer["status"] is False
    assert Secrets(zuora, failing).finds("answer", json.dumps(answer)) == []


def test_what_a_careless_author_prints_is_masked_in_the_log_of_the_task(failures: Run) -> None:
    lines = [line for line in failures.log("careless").splitlines() if leak_locations.CARELESS in line]
    assert len(lines) == 6
    assert all(f'{leak_locations.CARELESS} ***"' in line for line in lines)


def files(zuora: ZuoraSimulator, failing: FailingConnections, failures: Run) -> Texts:
    return leak_locations.files(failures.airflow)


def tables(zuora: ZuoraSimulator, failing: FailingConnections, failures: Run) -> Texts:
    return leak_locations.tables(failures.airflow)


def answers(zuora: ZuoraSimulator, failing: FailingConnections, failures: Run) -> Texts:
    return leak_locations.answers(
        failures.airflow,
        {
            "dag_id": failures.dag_id,
            "dag_run_id": failures.run_id,
            "task_id": "show",
            "map_index": -1,
            "try_number": 1,
            "task_try_number": 1,
            "xcom_key": "return_value",
            "connection_id": "zuora_wrong_secret",
            "asset_id": 1,
            "import_error_id": 1,
        },
    )


def journals(zuora: ZuoraSimulator, failing: FailingConnections, failures: Run) -> Texts:
    for simulator in (zuora, *failing.simulators):
        yield simulator.url, "\n".join(f"{asdict(one)}" for one in simulator.requests())


def test_the_search_reads_where_airflow_keeps_what_tasks_say(
    zuora: ZuoraSimulator, failing: FailingConnections, failures: Run
) -> None:
    texts = {
        where: text for read in (files, tables, answers) for where, text in read(zuora, failing, failures)
    }
    folder = "GET /api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}"
    for where in (
        "airflow.log",
        f"logs/dag_id=failures/run_id={failures.run_id}/task_id=show/attempt=1.log",
        "dag_run.conf",
        "log.extra",
        "rendered_task_instance_fields.rendered_fields",
        "serialized_dag.data",
        "trigger.kwargs",
        "xcom.value",
        "GET /api/v2/connections",
        "GET /api/v2/eventLogs",
        f"{folder}/logs/{{try_number}}",
        f"{folder}/xcomEntries/{{xcom_key}}",
    ):
        assert "zuora_wrong_secret" in texts[where], where


def test_the_search_reads_the_answers_of_reviews(airflow: LocalAirflow, zuora: ZuoraSimulator) -> None:
    run = trigger(airflow, "unmapped", connection_ids=[new_request(zuora)])
    run.answer("Approve", reason="easily found again")
    run.wait()
    texts = dict([*leak_locations.files(airflow), *leak_locations.tables(airflow)])
    seal = run.result("review")["seal"]
    assert seal in texts["xcom.value"]
    assert "easily found again" in texts["hitl_detail.params_input"]


# The last test, so that it sees what all others have left behind.
@pytest.mark.parametrize("read", [files, tables, answers, journals])
def test_no_secret_is_anywhere(
    zuora: ZuoraSimulator, failing: FailingConnections, failures: Run, read: Callable[..., Texts]
) -> None:
    texts = dict(read(zuora, failing, failures))
    secrets = Secrets(zuora, failing)
    assert {where: found for where, text in texts.items() if (found := secrets.finds(where, text))} == {}
