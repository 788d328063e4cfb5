"""What happens in the demo: one run waits for an approval, and what follows is printed."""

from __future__ import annotations

import time
from pathlib import Path

from airflow_zuora.demo.airflow import LocalAirflow
from airflow_zuora.demo.airflow_api import FINISHED
from airflow_zuora.models import EntityConnectionStatus
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import AUSTRALIA_ENTITY_ID, DEFAULT_ENTITY_ID, PENDING_ID

PACKAGE = Path(__file__).parents[1]
DAG_ID = "accept_entity_connection"
STEP_TIMEOUT = 120.0  # seconds for each step of a run
# Otherwise the watcher, and the sweep after seven in the morning, would ask about the same request at once.
SETTINGS = {"AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True"}


def example_dags() -> Path:
    """Return the folder of the example DAGs: a part of the wheel, or beside the package in a working copy."""
    installed = PACKAGE / "example_dags"
    return installed if installed.is_dir() else PACKAGE.parent / "dags"


def run(folder: Path, zuora_port: int, airflow_port: int, *, auto: bool) -> int:
    """
    Start everything and ask for an approval; then answer it, or follow what a person does until Ctrl-C.

    :param folder: Home of Airflow.
    :param zuora_port: Port of the simulator; 0 for a free one.
    :param airflow_port: Port of Airflow; 0 for a free one.
    :param auto: Whether to approve, check the result and return.
    :return: Exit status.
    """
    print("Starting a simulated Zuora and Airflow; this takes about twenty seconds ...", flush=True)
    with (
        ZuoraSimulator(port=zuora_port) as zuora,
        LocalAirflow(
            folder, example_dags(), port=airflow_port, users=("ann", "bob"), settings=SETTINGS
        ) as airflow,
    ):
        airflow.add_connection("zuora_default", zuora.connection_json())
        airflow.add_connection("zuora_source", zuora.connection_json(entity_id=AUSTRALIA_ENTITY_ID))
        airflow.wait_for_dag(DAG_ID)
        airflow.pause(DAG_ID, False)
        run_id = airflow.trigger(DAG_ID, {"connection_id": PENDING_ID}, user="bob")
        approval = airflow.wait_for(
            "the approval", lambda: airflow.pending_approvals(DAG_ID, run_id), timeout=STEP_TIMEOUT
        )[0]
        if auto:
            return _approve(airflow, zuora, run_id, approval)
        _explain(airflow, zuora, run_id)
        _follow(airflow, zuora)
    return 0


def _approve(airflow: LocalAirflow, zuora: ZuoraSimulator, run_id: str, approval: dict[str, object]) -> int:
    print(f"Approving {approval['subject']}", flush=True)
    airflow.answer(approval, "Approve", user="ann")
    state = airflow.wait_for("the run to end", lambda: _final_state(airflow, run_id), timeout=STEP_TIMEOUT)
    status = zuora.store.connections.get(PENDING_ID).status
    print(f"The DAG run is {state}; Zuora shows the connection as {status}.")
    return 0 if (state, status) == ("success", EntityConnectionStatus.CONNECTED) else 1


def _final_state(airflow: LocalAirflow, run_id: str) -> str | None:
    state = airflow.run_state(DAG_ID, run_id)
    return state if state in FINISHED else None


def _explain(airflow: LocalAirflow, zuora: ZuoraSimulator, run_id: str) -> None:
    dags = f"{airflow.url}/dags"
    print(
        f"""
  Zuora (simulated)  {zuora.url}
  Airflow            {airflow.url}    user ann, password ann

A run of {DAG_ID} is waiting for your approval:
  {dags}/{DAG_ID}/runs/{run_id}/tasks/review/required_actions
  Read who sent the request, choose Approve or Reject, and watch the connection on Zuora's page.

Then try the other DAGs, one after the other. They are paused until you trigger or unpause them:
  {dags}/review_pending_connections
    Trigger it. It asks you about each Pending request of every entity: Approve, Deny or Leave pending.
  {dags}/connect_entities
    Trigger it with the target {DEFAULT_ENTITY_ID} (Acme Germany).
    Acme Australia sends a request, you decide for Acme Germany, and the run reports the decision.
  {dags}/on_connection_request
    Unpause it with the switch at the top, and send a request to Acme Germany on Zuora's page. Within half a
    minute, a run starts by itself and asks you about it. The first run asks about everything that is Pending.

Browse > Required Actions lists everything that is waiting for you. Events appear below. Ctrl-C ends the demo.
""",
        flush=True,
    )


def _follow(airflow: LocalAirflow, zuora: ZuoraSimulator) -> None:
    """Print each change of state of a task or a connection, until Ctrl-C."""
    seen: dict[str, str] = {}
    while True:
        now: dict[str, str] = {}
        for ti in airflow.task_instances("~", "~"):
            where = f"[{ti['map_index']}]" if ti["map_index"] >= 0 else ""
            now[f"Airflow  {ti['dag_id']}.{ti['task_id']}{where} of {ti['dag_run_id']}"] = str(ti["state"])
        for connection in zuora.store.connections.all():
            now[f"Zuora    entity connection {connection.id}"] = str(connection.status)
        for name, state in now.items():
            if seen and seen.get(name) != state or not seen and name.startswith("Airflow"):
                print(f"{time.strftime('%H:%M:%S')}  {name}: {state}", flush=True)
        seen = now
        time.sleep(1)
