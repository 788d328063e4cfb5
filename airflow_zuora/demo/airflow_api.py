"""A client of Airflow's REST API, for the demo and the tests."""

from __future__ import annotations

import json
import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import requests
import tenacity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FINISHED = ("success", "failed")


class AirflowApi:
    """
    Airflow as its users see it.

    :param url: Base URL, without a slash at the end.
    :param users: Names of the users; the password of each is the name.
    """

    def __init__(self, url: str, users: Iterable[str]) -> None:
        self.url = url
        self.users = tuple(users)
        self._tokens: dict[str, str] = {}
        self._changing = threading.Lock()

    @tenacity.retry(
        retry=tenacity.retry_if_exception(lambda error: _status(error) >= 500),
        stop=tenacity.stop_after_attempt(5),
        wait=tenacity.wait_fixed(1),
        reraise=True,
    )
    def call(self, method: str, path: str, *, user: str | None = None, **options: Any) -> Any:
        """
        Call Airflow's REST API; changes one at a time.

        With SQLite, two changes at once in one API server may wait for each other until one of them fails. A
        call that is answered with HTTP 500 is repeated: SQLite was locked, and nothing was done.

        :param method: HTTP method.
        :param path: Path from the root, such as ``/api/v2/dags``.
        :param user: Name of the user who makes the call, default the first.
        :param options: Further arguments of ``requests.request``, such as ``params`` and ``json``.
        :return: The decoded JSON of the answer; ``None`` if the answer is empty.
        :raises requests.HTTPError: If Airflow refuses the call; with its answer.
        """
        headers = {"Authorization": f"Bearer {self._token(user or self.users[0])}"}
        with nullcontext() if method == "GET" else self._changing:
            response = requests.request(method, f"{self.url}{path}", headers=headers, timeout=60, **options)
        if response.status_code >= 400:
            raise requests.HTTPError(
                f"{method} {path}: {response.status_code} {response.text}", response=response
            )
        return response.json() if response.content else None

    def add_connection(self, conn_id: str, connection: str) -> None:
        """
        Create a connection.

        :param conn_id: Its id.
        :param connection: The connection as JSON, as in an ``AIRFLOW_CONN_...`` variable.
        """
        fields = json.loads(connection)
        body = {**fields, "connection_id": conn_id, "extra": json.dumps(fields.get("extra", {}))}
        self.call("POST", "/api/v2/connections", json=body)

    def knows(self, dag_id: str) -> bool:
        """Return whether Airflow has parsed the file of a DAG."""
        try:
            self.call("GET", f"/api/v2/dags/{dag_id}")
        except requests.HTTPError:
            return False
        return True

    def pause(self, dag_id: str, is_paused: bool = True) -> None:
        """Pause a DAG, or unpause it: Airflow starts no task of a paused DAG."""
        self.call("PATCH", f"/api/v2/dags/{dag_id}", json={"is_paused": is_paused})

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None, *, user: str | None = None) -> str:
        """
        Start a DAG run.

        :param dag_id: The DAG.
        :param conf: Values of the DAG's Params.
        :param user: Name of the user who starts it, default the first.
        :return: The run id.
        """
        body = {"logical_date": None, "conf": dict(conf or {})}
        run = self.call("POST", f"/api/v2/dags/{dag_id}/dagRuns", json=body, user=user)
        return str(run["dag_run_id"])

    def pending_approvals(self, dag_id: str = "~", run_id: str = "~") -> list[dict[str, Any]]:
        """List the open questions of human-in-the-loop tasks; ``~`` stands for all DAGs and runs."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/hitlDetails"
        found = self.call("GET", path, params={"response_received": "false", "limit": 100})
        details: list[dict[str, Any]] = found["hitl_details"]
        return details

    def answer(
        self,
        approval: Mapping[str, Any],
        option: str,
        *,
        user: str | None = None,
        fields: Mapping[str, Any] | None = None,
    ) -> None:
        """
        Answer a question.

        :param approval: The question, one of :meth:`pending_approvals`.
        :param option: The option to choose.
        :param user: Name of the user who answers, default the first.
        :param fields: What is entered into the fields of the question.
        """
        ti = approval["task_instance"]
        path = f"/api/v2/dags/{ti['dag_id']}/dagRuns/{ti['dag_run_id']}/taskInstances/{ti['task_id']}"
        body = {"chosen_options": [option], "params_input": dict(fields or {})}
        self.call("PATCH", f"{path}/{ti['map_index']}/hitlDetails", json=body, user=user)

    def run_states(self) -> dict[tuple[str, str], str]:
        """Return the states of the newest 100 DAG runs, by DAG id and run id."""
        found = self.call("GET", "/api/v2/dags/~/dagRuns", params={"limit": 100, "order_by": "-run_after"})
        return {(run["dag_id"], run["dag_run_id"]): str(run["state"]) for run in found["dag_runs"]}

    def run_state(self, dag_id: str, run_id: str) -> str:
        """Return the state of a DAG run."""
        return str(self.call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")["state"])

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """List up to 100 task instances of a DAG run; ``~`` stands for all DAGs and runs."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances"
        instances: list[dict[str, Any]] = self.call("GET", path, params={"limit": 100})["task_instances"]
        return instances

    def _token(self, user: str) -> str:
        if user not in self._tokens:
            body = {"username": user, "password": user}
            response = requests.post(f"{self.url}/auth/token", json=body, timeout=30)
            response.raise_for_status()
            self._tokens[user] = response.json()["access_token"]
        return self._tokens[user]


def _status(error: BaseException) -> int:
    return getattr(getattr(error, "response", None), "status_code", 0)
