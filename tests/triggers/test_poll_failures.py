"""What waits do while Zuora or Airflow fails: Zuora is asked no more often than it can bear."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from airflow.sdk import log as sdk_log
from airflow.sdk.bases.hook import BaseHook

from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import CONNECTED_ID
from airflow_zuora.triggers.entity_connection import EntityConnectionRequestTrigger
from tests.helpers.bad_servers import closed_port
from tests.helpers.zuora import LIST, reads
from tests.triggers.conftest import Start
from tests.triggers.running import (
    answered_reads,
    event,
    nothing_is_left,
    pauses,
    poll_threads,
    until,
    wait,
)

pytestmark = pytest.mark.asyncio


TEMPORARY: dict[str, dict[str, Any]] = {
    "503": {"status": 503},
    "html": {"named": "html"},
    "empty": {"named": "empty"},
    "dropped": {"drop": True},
    "half a body": {"half_body": True},
    "lock": {"named": "lock"},
    "internal": {"named": "internal"},
    "no user info": {"named": "no_user_info"},
    "429 at the token": {"status": 429, "path": "/oauth/token"},
    "503 at the token": {"status": 503, "path": "/oauth/token"},
}


@pytest.mark.parametrize("name", TEMPORARY)
async def test_a_wait_goes_on_after_a_temporary_error(zuora_simulator: ZuoraSimulator, name: str) -> None:
    zuora_simulator.fault(**TEMPORARY[name])
    payload = await event(connection_id=CONNECTED_ID)
    assert payload["connection"]["status"] == "Connected"


async def test_a_wait_goes_on_where_airflow_does_not_take_a_secret_to_mask(
    zuora_simulator: ZuoraSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [TimeoutError(), OSError("The supervisor is away")]
    name = "amask_secret" if hasattr(sdk_log, "amask_secret") else "mask_secret"  # since Airflow 3.3
    real, client_id = getattr(sdk_log, name), json.loads(zuora_simulator.connection_json())["login"]

    def mask(secret: str) -> Any:
        if secret == client_id and failures:
            raise failures.pop()
        return real(secret)

    monkeypatch.setattr(sdk_log, name, mask)
    payload = await event(connection_id=CONNECTED_ID)
    assert payload["connection"]["status"] == "Connected"
    assert failures == []


async def test_the_pauses_grow_while_zuora_fails(zuora_simulator: ZuoraSimulator) -> None:
    zuora_simulator.fault(status=503, times=3)
    await event(connection_id=CONNECTED_ID)
    first, second, third, *_ = pauses(zuora_simulator)
    assert (first > 0.09, second > 0.18, third > 0.36) == (True, True, True)
    await nothing_is_left(zuora_simulator)


async def test_a_wait_goes_on_while_the_host_cannot_be_reached(
    zuora_simulator: ZuoraSimulator,
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ZUORA_DEFAULT", zuora_simulator.connection_json(port=closed_port()))
    waiting = start(wait(CONNECTED_ID, poll_interval=0.05))
    await until(lambda: caplog.text.count("failed; trying again") >= 2)
    assert not waiting.task.done()


async def test_a_wait_goes_on_while_airflow_cannot_look_its_connection_up(
    zuora_simulator: ZuoraSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures: list[OSError] = []

    def fail(*_: Any, **__: Any) -> None:
        if len(failures) == 2:
            monkeypatch.undo()
            monkeypatch.setenv("AIRFLOW_CONN_ZUORA_DEFAULT", zuora_simulator.connection_json())
        failures.append(OSError("The database is away"))
        raise failures[-1]

    monkeypatch.setattr(BaseHook, "get_connection", fail)
    monkeypatch.setattr(BaseHook, "aget_connection", fail)  # since Airflow 3.3.2
    assert "connection" in await event(connection_id=CONNECTED_ID)
    assert len(failures) == 3


async def test_nothing_is_read_for_as_long_as_zuora_asks_to_wait(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    zuora_simulator.fault("throttle", skip=1, parameters={"reset": 60, "retry_after": 60})
    waiting = start(wait(poll_interval=0.05))
    await until(lambda: [one.status for one in zuora_simulator.requests("GET", LIST)] == [200, 429])
    await asyncio.sleep(0.05)
    in_doubt = start(wait("8a8080", poll_interval=0.05))
    await asyncio.sleep(0.2)
    assert (waiting, in_doubt, reads(zuora_simulator)) == ([], [], 2)


async def test_nothing_is_read_for_as_long_as_zuora_has_asked_another_wait_to_wait(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    zuora_simulator.fault("throttle", parameters={"reset": 60, "retry_after": 60})
    first = start(wait(poll_interval=0.05))
    await until(lambda: [one.status for one in zuora_simulator.requests("GET", LIST)] == [429])
    await asyncio.sleep(0.05)
    await first.stop()
    second = start(wait(CONNECTED_ID, poll_interval=0.05))
    await asyncio.sleep(0.2)
    assert (second, reads(zuora_simulator)) == ([], 1)


async def test_a_new_wait_is_served_at_its_own_interval_while_others_back_off(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    zuora_simulator.fault(status=503, times=3)
    slow = start(wait(poll_interval=86400))
    await until(lambda: answered_reads(zuora_simulator) == 1)
    quick = start(wait(CONNECTED_ID, poll_interval=0.2))
    await until(lambda: quick)
    first, second, third = pauses(zuora_simulator)
    assert (first > 0.19, second > 0.39, third > 0.79) == (True, True, True)
    assert not slow.task.done()


async def test_joining_while_zuora_fails_does_not_bring_a_read_before_the_interval(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    zuora_simulator.fault(status=503, times=None)
    for _ in range(30):
        start(wait(poll_interval=0.5))
        await asyncio.sleep(0.05)
    assert min(pauses(zuora_simulator)) > 0.49


async def test_a_permanent_error_ends_all_waits_and_a_new_wait_reads_again(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    zuora_simulator.fault("permission", method="GET", skip=1)
    waiting = [start(wait(poll_interval=0.1)) for _ in range(10)]
    await until(lambda: all(waiting))
    assert {one[0]["error"] for one in waiting} == {"ZuoraPermissionError"}
    assert reads(zuora_simulator) == 2
    assert "connection" in await event(connection_id=CONNECTED_ID, poll_interval=60)
    assert reads(zuora_simulator) == 3


async def test_a_permanent_error_from_before_does_not_end_a_new_wait(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    zuora_simulator.fault("permission", method="GET")
    start(EntityConnectionRequestTrigger(poll_interval=0.2))  # goes on, and so does the poll
    await until(lambda: answered_reads(zuora_simulator) == 1)
    assert "connection" in await event(connection_id=CONNECTED_ID, poll_interval=0.2)
    assert min(pauses(zuora_simulator)) > 0.19


async def test_an_airflow_connection_that_was_corrected_is_used(
    zuora_simulator: ZuoraSimulator, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ZUORA_DEFAULT", zuora_simulator.connection_json(password="old"))
    seen = start(EntityConnectionRequestTrigger(poll_interval=0.1))
    await until(lambda: zuora_simulator.requests("POST", "/oauth/token"))
    monkeypatch.setenv("AIRFLOW_CONN_ZUORA_DEFAULT", zuora_simulator.connection_json())
    await until(lambda: seen)


async def test_no_thread_sleeps_for_as_long_as_a_refused_token_asks_to_wait(
    zuora_simulator: ZuoraSimulator, start: Start
) -> None:
    zuora_simulator.fault("expired_token", headers={"Retry-After": "300"}, times=2)
    waiting = start(wait(CONNECTED_ID, poll_interval=0.05))
    await until(lambda: answered_reads(zuora_simulator) == 1)
    await waiting.stop()
    await until(lambda: not poll_threads())


async def test_a_refused_token_that_asks_to_wait_is_replaced_after_the_wait(
    zuora_simulator: ZuoraSimulator,
) -> None:
    zuora_simulator.fault("expired_token", headers={"Retry-After": "1"})
    assert "connection" in await event(connection_id=CONNECTED_ID)
    assert min(pauses(zuora_simulator)) > 0.99
    assert len(zuora_simulator.requests("POST", "/oauth/token")) == 2


async def test_a_second_refused_token_ends_the_wait_though_it_asks_to_wait(
    zuora_simulator: ZuoraSimulator,
) -> None:
    zuora_simulator.fault("expired_token", headers={"Retry-After": "1"}, times=None)
    assert (await event(connection_id=CONNECTED_ID))["error"] == "ZuoraAuthError"
    assert reads(zuora_simulator) == 2
