"""A simulated Zuora, a real Airflow and the example DAGs in one command: ``make demo``."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_zuora.airflow_api import FINISHED
from airflow_zuora.local_airflow import LocalAirflow
from airflow_zuora.models import EntityConnectionStatus
from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.simulator.seed import AUSTRALIA_ENTITY_ID, DEFAULT_ENTITY_ID, PENDING_ID

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKAGE = Path(__file__).parent
DAG_ID = "accept_entity_connection"
ANSWERING = 120.0  # seconds that AUTO gives each step


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the demo.

    :param arguments: command line; ``--auto`` answers the approval itself and checks the result.
    :return: 0, or 1 if ``--auto`` found something wrong.
    """
    parser = argparse.ArgumentParser(prog="python -m airflow_zuora.demo", description=__doc__)
    parser.add_argument(
        "--auto", action="store_true", help="approve through Airflow's REST API, check, and end"
    )
    parser.add_argument("--airflow-port", type=int, default=8080, help="port of Airflow (default 8080)")
    parser.add_argument("--zuora-port", type=int, default=8765, help="port of the simulator (default 8765)")
    options = parser.parse_args(arguments)
    # Also when it was started in the background, where a shell lets SIGINT be ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    ports = (0, 0) if options.auto else (options.zuora_port, options.airflow_port)
    try:
        with tempfile.TemporaryDirectory(prefix="airflow_zuora_demo_") as folder:
            return _run(Path(folder), *ports, auto=options.auto)
    except KeyboardInterrupt:
        print("\nThe demo has ended; nothing is left behind.")
        return 0
    except (OSError, RuntimeError) as error:
        print(f"The demo failed: {error}", file=sys.stderr)
        return 1


def _run(folder: Path, zuora_port: int, airflow_port: int, *, auto: bool) -> int:
    installed = PACKAGE / "example_dags"
    dags = installed if installed.is_dir() else PACKAGE.parent / "dags"
    print("Starting a simulated Zuora and Airflow; this takes about twenty seconds ...", flush=True)
    with (
        ZuoraSimulator(port=zuora_port) as zuora,
        LocalAirflow(folder, dags, port=airflow_port, users=("ann", "bob")) as airflow,
    ):
        airflow.add_connection("zuora_default", zuora.connection_json())
        airflow.add_connection("zuora_source", zuora.connection_json(entity_id=AUSTRALIA_ENTITY_ID))
        run_id = airflow.trigger(DAG_ID, {"connection_id": PENDING_ID}, user="bob")
        approval = airflow.wait_for(
            "the approval", lambda: airflow.pending_approvals(DAG_ID, run_id), timeout=ANSWERING
        )[0]
        if auto:
            return _approve(airflow, zuora, run_id, approval)
        _explain(airflow, zuora, run_id)
        _follow(airflow, zuora)
    return 0


def _approve(airflow: LocalAirflow, zuora: ZuoraSimulator, run_id: str, approval: dict[str, object]) -> int:
    print(f"Approving {approval['subject']}", flush=True)
    airflow.answer(approval, "Approve", user="ann")
    state = airflow.wait_for("the run to end", lambda: _ended(airflow, run_id), timeout=ANSWERING)
    status = zuora.store.connections.get(PENDING_ID).status
    print(f"The DAG run is {state}; Zuora shows the connection as {status}.")
    return 0 if (state, status) == ("success", EntityConnectionStatus.CONNECTED) else 1


def _ended(airflow: LocalAirflow, run_id: str) -> str | None:
    state = airflow.run_state(DAG_ID, run_id)
    return state if state in FINISHED else None


def _explain(airflow: LocalAirflow, zuora: ZuoraSimulator, run_id: str) -> None:
    dags = f"{airflow.url}/dags"
    print(
        f"""
  Zuora (simulated)  {zuora.url}
  Airflow            {airflow.url}    log in as ann, password ann

A run of {DAG_ID} waits for you:
  {dags}/{DAG_ID}/runs/{run_id}/tasks/approve/required_actions
  Read who asks, choose Approve or Reject, and watch the connection on Zuora's page.

Then try the others:
  {dags}/on_connection_request
    Send a request to Acme Germany on Zuora's page. Within half a minute a run starts by itself and asks you;
    the requests that waited already have started one.
  {dags}/review_pending_connections
    "Trigger" it. It asks about each Pending request: Accept, Deny or Leave pending.
  {dags}/connect_entities
    "Trigger" it with the target {DEFAULT_ENTITY_ID} (Acme Germany).
    Acme Australia asks, you decide for Acme Germany, and Acme Australia hears of it.

All that waits for you is under Browse > Required Actions. What happens is shown here. Ctrl-C ends everything.
""",
        flush=True,
    )


def _follow(airflow: LocalAirflow, zuora: ZuoraSimulator) -> None:
    """Print each new state of a task and of a connection, until Ctrl-C."""
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


if __name__ == "__main__":
    sys.exit(main())
