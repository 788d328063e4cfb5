"""Secrets stay in the Airflow connection, whatever fails, and at the log level DEBUG of all parts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict

import pytest

from tests.airflow import places
from tests.airflow.plays import FAILURES
from tests.airflow.scenarios import Scenario, Stage
from tests.airflow.troubles import SHOWN, Troubles
from tests.secret_search import SecretSearch

Played = Mapping[tuple[str, str], Scenario]
Places = Iterable[tuple[str, str]]
# These tests make their connections through the REST API. Airflow tells the login of a connection to those
# who may read connections, and notes it in its audit log.
TELL_LOGINS = ("log.extra", "GET /api/v2/connections", "GET /api/v2/eventLogs")
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
    """All secrets that there are by now."""

    def __init__(self, stage: Stage, troubles: Troubles) -> None:
        own = stage.zuora.connection_json(client="marked")
        connections = [json.loads(one) for one in (own, *troubles.connections.values())]
        hidden = [connection["password"] for connection in connections]
        for simulator in (stage.zuora, *troubles.simulators):
            hidden += simulator.store.access.issued
        self._hidden = SecretSearch(hidden)
        self._all = SecretSearch([*hidden, *(connection["login"] for connection in connections)])

    def finds(self, where: str, text: str) -> list[str]:
        return (self._hidden if where.startswith(TELL_LOGINS) else self._all).finds(text)


@pytest.fixture
def failures(played: Played) -> Scenario:
    return played[FAILURES, ""]


def test_each_failure_is_the_one_that_was_meant(stage: Stage, failures: Scenario) -> None:
    lines = [json.loads(line) for line in stage.logs(failures, "show").splitlines()]
    errors = {line["event"]: line["error_detail"][0]["exc_type"] for line in lines if "error_detail" in line}
    assert errors == {f"{conn_id} failed": error for conn_id, error in ERRORS.items()}
    assert set(ERRORS) == set(SHOWN) - {"zuora_foreign_page"}, "nobody goes there, so nothing fails"


def test_the_tasks_of_users_failed(stage: Stage, failures: Scenario) -> None:
    for task, count in {"accept": 4, "poke": 1, "deferred": 2, "escape": 1}.items():
        assert stage.states(failures, task) == ["failed"] * count
    assert "Pausing task as DEFERRED" in stage.logs(failures, "deferred")


def test_a_file_that_calls_zuora_while_it_is_parsed_shows_no_secret_in_its_import_error(
    stage: Stage, troubles: Troubles, played: Played
) -> None:
    def error() -> str | None:
        found = stage.airflow.call("GET", "/api/v2/importErrors")["import_errors"]
        return next((one["stack_trace"] for one in found if "gives no token" in one["stack_trace"]), None)

    shown = stage.airflow.wait_for("the import error", error)
    assert Secrets(stage, troubles).finds("import error", shown) == []


@pytest.mark.parametrize("name", ["wrong_secret", "expired_token", "bad_certificate"])
def test_the_test_of_a_connection_that_fails_shows_no_secret(
    stage: Stage, troubles: Troubles, played: Played, name: str
) -> None:
    fields = json.loads(troubles.connections[name])
    body = {**fields, "connection_id": f"zuora_{name}", "extra": json.dumps(fields["extra"])}
    answer = stage.airflow.call("POST", "/api/v2/connections/test", json=body)
    assert answer["status"] is False
    assert Secrets(stage, troubles).finds("answer", json.dumps(answer)) == []


def test_what_a_careless_author_prints_is_masked_in_the_log_of_the_task(
    stage: Stage, failures: Scenario
) -> None:
    lines = [line for line in stage.logs(failures, "careless").splitlines() if places.CARELESS in line]
    assert len(lines) == 6
    assert all(f'{places.CARELESS} ***"' in line for line in lines)


def files(stage: Stage, troubles: Troubles, failures: Scenario) -> Places:
    return places.files(stage.airflow)


def tables(stage: Stage, troubles: Troubles, failures: Scenario) -> Places:
    return places.tables(stage.airflow)


def answers(stage: Stage, troubles: Troubles, failures: Scenario) -> Places:
    return places.answers(
        stage.airflow,
        {
            "dag_id": FAILURES,
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


def journals(stage: Stage, troubles: Troubles, failures: Scenario) -> Places:
    for simulator in (stage.zuora, *troubles.simulators):
        yield simulator.url, "\n".join(f"{asdict(one)}" for one in simulator.requests())


def test_the_search_reads_where_airflow_keeps_what_tasks_say(
    stage: Stage, troubles: Troubles, failures: Scenario
) -> None:
    texts = {
        where: text for read in (files, tables, answers) for where, text in read(stage, troubles, failures)
    }
    folder = "GET /api/v2/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/{task_id}"
    for where in (
        "airflow.log",
        f"logs/dag_id={FAILURES}/run_id={failures.run_id}/task_id=show/attempt=1.log",
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


# The last one, so that it sees what all others have left.
@pytest.mark.parametrize("read", [files, tables, answers, journals])
def test_no_secret_is_anywhere(
    stage: Stage, troubles: Troubles, failures: Scenario, read: Callable[..., Places]
) -> None:
    texts = dict(read(stage, troubles, failures))
    secrets = Secrets(stage, troubles)
    assert {where: found for where, text in texts.items() if (found := secrets.finds(where, text))} == {}
