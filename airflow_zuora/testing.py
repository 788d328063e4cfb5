"""
A simulated Zuora, and a helper that answers reviews, for tests of DAGs.

Add ``pytest_plugins = ["airflow_zuora.testing"]`` to ``conftest.py`` and ask for the fixtures
``zuora_simulator`` and ``zuora_reviews``.
"""

from __future__ import annotations

import threading
import warnings
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi.testclient import TestClient

    from airflow_zuora.simulator import Settings, ZuoraSimulator
    from airflow_zuora.simulator.seed import (
        CONNECTED_ID,
        DEFAULT_ENTITY_ID,
        DISCONNECTED_ID,
        PENDING_ID,
        SOURCE_ENTITY_ID,
    )

__all__ = [
    "CONNECTED_ID",
    "DEFAULT_ENTITY_ID",
    "DISCONNECTED_ID",
    "PENDING_ID",
    "SOURCE_ENTITY_ID",
    "Settings",
    "ZuoraReviews",
    "ZuoraSimulator",
    "zuora_reviews",
    "zuora_simulator",
]

POLL = 0.2  # seconds between two looks for open questions


def __getattr__(name: str) -> Any:
    # Lazy: a test without the simulator needs no web server, and loading the plugin does not import Airflow.
    if name in ("Settings", "ZuoraSimulator"):
        from airflow_zuora import simulator

        return getattr(simulator, name)
    if name.endswith("_ID") and name in __all__:
        from airflow_zuora.simulator import seed

        return getattr(seed, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@pytest.fixture(scope="session")
def _zuora_simulator_server() -> Iterator[ZuoraSimulator]:
    from airflow_zuora.simulator import ZuoraSimulator

    with ZuoraSimulator() as simulator:
        yield simulator


@pytest.fixture
def zuora_simulator(
    _zuora_simulator_server: ZuoraSimulator, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ZuoraSimulator]:
    """
    Return a simulator in its first state; the Airflow connection ``zuora_default`` leads to it.

    No test inherits a token from another one: each logs in again.
    """
    from airflow_zuora.client.oauth import forget_tokens

    _zuora_simulator_server.reset()
    forget_tokens()
    monkeypatch.setenv("AIRFLOW_CONN_ZUORA_DEFAULT", _zuora_simulator_server.connection_json())
    yield _zuora_simulator_server
    forget_tokens()


@pytest.fixture
def zuora_reviews(zuora_simulator: ZuoraSimulator) -> ZuoraReviews:
    """Return a helper that answers the reviews of this test."""
    return ZuoraReviews(zuora_simulator)


class ZuoraReviews:
    """
    Answers the reviews of a test.

    :param simulator: The simulated Zuora that the reviews are about.
    """

    def __init__(self, simulator: ZuoraSimulator) -> None:
        self._simulator = simulator

    @contextmanager
    def answering(
        self,
        option: str = "Approve",
        *,
        task_id: str | None = None,
        answered_by: str = "ann",
        reason: str | None = None,
    ) -> Iterator[list[str]]:
        """
        Answer the open questions while ``dag.test()`` runs; needs Airflow 3.3 or later.

        The answers go through Airflow's REST API in this process, with its simple auth manager, so its rules
        of who may answer hold. Two reviews that need two people take two nested contexts, each with the
        ``task_id`` of one. On Airflow 3.1 and 3.2, ``dag.test()`` cannot run any human-in-the-loop task.

        :param option: The option to choose.
        :param task_id: The review to answer; every one by default.
        :param answered_by: Name and id of the person.
        :param reason: The person's reason.
        :return: The subjects of the questions that were answered so far.
        :raises RuntimeError: At the end, if Airflow refused an answer; the task that asked has then failed,
            so that the DAG run ends.
        """
        # In this thread: imports of Airflow's models in two threads at once can wait for each other for ever.
        person = _Person(_airflow_client(answered_by), option, task_id, reason)
        person.start()
        try:
            yield person.answered
        finally:
            person.is_over.set()
            person.join()
        if person.refusals:
            raise RuntimeError(f"Airflow refused an answer: {'; '.join(person.refusals)}")

    def answer(
        self,
        *connection_ids: str,
        dag_id: str,
        run_id: str,
        option: str = "Approve",
        change: str = "accept",
        answered_by: str = "ann",
        answered_at: datetime | None = None,
        reason: str | None = None,
        task_id: str = "review",
        zuora_conn_id: str = "zuora_default",
    ) -> dict[str, Any]:
        """
        Return a sealed answer about connections of the simulator, for a test of one task.

        :param connection_ids: The connections that were asked about.
        :param dag_id: The DAG of the task that gets it as ``approval``.
        :param run_id: The DAG run of that task.
        :param option: The chosen option.
        :param change: The change that was asked about.
        :param answered_by: Name and id of the person.
        :param answered_at: When it was given; now by default.
        :param reason: The person's reason.
        :param task_id: The review's task.
        :param zuora_conn_id: The Airflow connection of the review.
        """
        from airflow_zuora.approval.answer import Answer, seal_key
        from airflow_zuora.hooks.zuora import ZuoraHook

        config = ZuoraHook(zuora_conn_id).client.config
        answer = Answer(
            option=option,
            answered_by=answered_by,
            answered_by_id=answered_by,
            answered_at=(answered_at or datetime.now(UTC)).astimezone(UTC).isoformat(),
            reason=reason,
            timed_out=False,
            change=change,
            connections=tuple(map(self._subject, connection_ids)),
            host=config.base_url,
            dag_id=dag_id,
            run_id=run_id,
            task_id=task_id,
            map_index=-1,
            try_number=1,
        )
        return answer.seal(seal_key(config.client_id, config.client_secret))

    def _subject(self, connection_id: str) -> Any:
        from airflow_zuora.approval.answer import Subject

        store = self._simulator.store
        row = store.connections.get(connection_id)
        source, target = (store.entities.get(id_) for id_ in (row.source_entity_id, row.target_entity_id))
        return Subject(connection_id, source.id, source.display_name, target.id, target.display_name)


class _Person(threading.Thread):
    """
    Answers questions until it is over.

    :param client: Speaks with Airflow's REST API in the person's name.
    :param option: The option to choose.
    :param task_id: The task whose questions to answer; ``None`` for all.
    :param reason: The reason to give.
    """

    def __init__(self, client: TestClient, option: str, task_id: str | None, reason: str | None) -> None:
        super().__init__(name="zuora-reviews")
        self.client = client
        self.option = option
        self.task_id = task_id
        self.reason = reason
        self.answered: list[str] = []
        self.refusals: list[str] = []
        self.is_over = threading.Event()

    def run(self) -> None:
        """Look for open questions, and answer each; what the server could not do is tried again."""
        unanswered = {"response_received": "false"}
        while not self.is_over.wait(POLL):
            found = self.client.get("/api/v2/dags/~/dagRuns/~/hitlDetails", params=unanswered)
            for question in found.json()["hitl_details"] if found.is_success else ():
                task = question["task_instance"]
                if task["state"] == "awaiting_input" and self.task_id in (None, task["task_id"]):
                    self._answer(question)

    def _answer(self, question: dict[str, Any]) -> None:
        task = question["task_instance"]
        path = (
            f"/api/v2/dags/{task['dag_id']}/dagRuns/{task['dag_run_id']}/taskInstances/{task['task_id']}/"
            f"{task['map_index']}"
        )
        fields = {"reason": self.reason} if "reason" in question["params"] else {}
        body = {"chosen_options": [self.option], "params_input": fields}
        response = self.client.patch(f"{path}/hitlDetails", json=body)
        if response.is_success:
            self.answered.append(question["subject"])
        elif response.is_client_error and response.status_code != HTTPStatus.CONFLICT:
            self.refusals.append(f"{question['subject']} {response.text}")
            self.client.patch(path, json={"new_state": "failed"})


def _airflow_client(username: str) -> TestClient:
    """Return a client of Airflow's REST API in this process, in the name of an administrator."""
    with warnings.catch_warnings():
        # Those of Airflow and its libraries: a test that takes warnings for errors is not about them.
        warnings.simplefilter("ignore")
        from airflow.api_fastapi.app import create_app
        from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
        from airflow.api_fastapi.core_api.security import get_user
        from fastapi.testclient import TestClient

        app = create_app(apps="core")
    app.dependency_overrides[get_user] = lambda: SimpleAuthManagerUser(username=username, role="admin")
    return TestClient(app, raise_server_exceptions=False)
