"""What a process keeps and hands on: after a fork, in a copy or pickle, in memory, in a log."""

from __future__ import annotations

import copy
import dataclasses
import http.client
import json
import os
import pickle
import signal
import threading
import traceback
import tracemalloc
from collections.abc import Callable

import pytest
import requests_mock
from airflow.sdk.log import redact

from airflow_zuora.client import oauth, token
from airflow_zuora.client.client import ZuoraClient
from airflow_zuora.hooks.zuora import ZuoraHook
from tests.helpers.patience import PATIENCE
from tests.helpers.raw_server import TOKEN, Part, Received, after_token, answer, raw_server

SUCCESS = answer({"success": True})
# Python warns of what is tested here.
may_fork = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")


def exit_code_of(call: Callable[[], object]) -> int:
    """Call something in a forked process; 0 if it returns in time."""
    child = os.fork()
    if child == 0:
        signal.alarm(int(PATIENCE))
        try:
            call()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@may_fork
def test_a_process_that_is_forked_while_a_token_is_fetched_gets_its_own(make_client):
    arrived, may_answer = threading.Event(), threading.Event()

    def script(received: Received) -> list[Part]:
        if received.line != "POST /oauth/token":
            return [SUCCESS]
        if received.connection == 1:
            arrived.set()
            may_answer.wait(PATIENCE)
        return [TOKEN]

    with raw_server(script) as server:
        client = make_client({"port": server.port})
        thread = threading.Thread(target=client.oauth.token)
        thread.start()
        arrived.wait(PATIENCE)
        code = exit_code_of(lambda: client.request("GET", "/v1/x"))
        may_answer.set()
        thread.join()
        assert code == 0
        assert client.request("GET", "/v1/x")["success"] is True
        assert [one.connection for one in server.received] == [1, 2, 2, 1]


@may_fork
def test_a_forked_process_uses_none_of_the_connections_of_its_parent(make_client):
    with raw_server(after_token(lambda _: [SUCCESS])) as server:
        client = make_client({"port": server.port})
        client.request("GET", "/v1/x")
        assert exit_code_of(lambda: client.request("GET", "/v1/x")) == 0
        client.request("GET", "/v1/x")
        assert [one.connection for one in server.received] == [1, 1, 2, 1]


def test_tokens_that_have_ended_are_dropped_with_everything_about_them(make_client, clock):
    config = make_client().config

    def rotate(number: int) -> None:
        """Use a new secret each time, for longer than a token lives."""
        for _ in range(number):
            clock.now += 4000
            secret = os.urandom(16).hex()
            ZuoraClient(dataclasses.replace(config, client_secret=secret)).oauth.token()

    def kept() -> int:
        """Bytes that the modules about tokens hold."""
        snapshot = tracemalloc.take_snapshot()
        files = [tracemalloc.Filter(True, module.__file__) for module in (oauth, token)]
        return sum(one.size for one in snapshot.filter_traces(files).statistics("filename"))

    with requests_mock.Mocker() as mocker:
        mocker.post(requests_mock.ANY, json={"access_token": "x" * 32, "expires_in": 3599})
        tracemalloc.start()
        rotate(50)
        before = kept()
        rotate(500)
        grown = kept() - before
        tracemalloc.stop()
    assert grown < 10_000


def copies_of(hook: ZuoraHook) -> dict[str, ZuoraHook]:
    return {
        "copy": copy.copy(hook),
        "deepcopy": copy.deepcopy(hook),
        "pickle": pickle.loads(pickle.dumps(hook)),
    }


@pytest.mark.parametrize("kind", ["copy", "deepcopy", "pickle"])
def test_a_copy_of_a_hook_works_and_looks_its_connection_up_again(kind, make_hook, zuora_simulator):
    hook = make_hook(timeout=77, track_id="task-1")
    hook.list_entities()
    hook.log.info("A logger cannot be pickled.")
    other = copies_of(hook)[kind]
    assert other.list_entities() == hook.list_entities()
    assert other.client is not hook.client
    assert (other.timeout, other.track_id, other.client.timeout) == (77, "task-1", 77)
    other.close()


def test_a_pickled_hook_holds_no_secret(make_hook, zuora_simulator):
    hook = make_hook()
    hook.list_entities()
    config, bearer = hook.client.config, hook.client.oauth.token().value
    kept = pickle.dumps(hook).decode("latin-1")
    assert [secret in kept for secret in (config.client_id, config.client_secret, bearer)] == [False] * 3


@pytest.mark.parametrize("is_used", [False, True])
@pytest.mark.parametrize("write", [pickle.dumps, copy.deepcopy])
def test_what_holds_the_secret_cannot_be_pickled_or_copied(write, is_used, make_hook, zuora_simulator):
    hook = make_hook()
    if is_used:
        hook.list_entities()
    for thing in (hook.client, hook.client.config, hook.client.for_entity("a" * 32)):
        with pytest.raises(TypeError, match="has secrets .* pickle or copy the ZuoraHook"):
            write(thing)


@pytest.mark.parametrize("secret", ["a+b/c=d&e%f", "with blanks in it", "ümläute-and-'quotes'"])
def test_a_debug_log_of_the_wire_shows_no_secret(secret, connect, monkeypatch, capsys):
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    with raw_server(after_token(lambda _: [SUCCESS])) as server:
        hook = connect(port=server.port, password=secret)
        hook.request("GET", "/v1/x")
        hook.close()
    log = capsys.readouterr().out
    shown = redact(log)
    sent = server.received[0].body.decode()
    assert sent in log
    assert "client_secret=***" in shown
    assert json.loads(TOKEN.partition(b"\r\n\r\n")[2])["access_token"] not in shown
