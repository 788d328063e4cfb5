"""The pytest plugin ``airflow_zuora.testing``, as the tests of a DAG's author use it."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.version import Version

from airflow_zuora.simulator import ZuoraSimulator
from airflow_zuora.testing import ZuoraReviews

INI = """
[pytest]
filterwarnings =
    error
    ignore:The .airflow.operators.branch
    ignore:The ..noload.. loader strategy is deprecated
"""

SIMULATOR = """
import json, os, sys
import pytest
from airflow_zuora.simulator.seed import PENDING_ID, DEFAULT_ENTITY_ID

ports = set()

def test_no_web_framework_without_the_fixture():
    assert "fastapi" not in sys.modules
    assert "AIRFLOW_CONN_ZUORA_DEFAULT" not in os.environ

@pytest.mark.parametrize("time", [1, 2])
def test_each_test_finds_the_first_state(zuora_simulator, time):
    ports.add(zuora_simulator.port)
    connection = json.loads(os.environ["AIRFLOW_CONN_ZUORA_DEFAULT"])
    assert connection["port"] == zuora_simulator.port
    assert str(zuora_simulator.store.connections.get(PENDING_ID).status) == "Pending"
    assert zuora_simulator.settings.repeat_accept == "success"
    zuora_simulator.store.connections.accept(PENDING_ID, DEFAULT_ENTITY_ID)
    zuora_simulator.settings.repeat_accept = "rule"
    zuora_simulator.fault("lock")

@pytest.mark.parametrize("time", [1, 2])
def test_each_test_logs_in(zuora_simulator, time):
    from airflow_zuora.hooks.zuora import ZuoraHook

    ZuoraHook().list_entities()
    assert [one.path for one in zuora_simulator.requests()] == ["/oauth/token", "/v1/entities"]

def test_a_login_can_be_refused_after_another_test(zuora_simulator):
    from airflow_zuora.exceptions import ZuoraAuthError
    from airflow_zuora.hooks.zuora import ZuoraHook

    zuora_simulator.fault(path="/oauth/token", status=401, body={"message": "invalid"})
    with pytest.raises(ZuoraAuthError):
        ZuoraHook().list_entities()

def test_all_share_one_server_and_the_variable_is_gone():
    assert len(ports) == 1
    assert "AIRFLOW_CONN_ZUORA_DEFAULT" not in os.environ
"""

ONE_TASK = """
from types import SimpleNamespace

import pytest
from airflow.providers.common.compat.sdk import AirflowSkipException
from airflow_zuora.operators.entity_connection import AcceptEntityConnectionOperator
from airflow_zuora.simulator.seed import PENDING_ID

def accept(approval):
    ti = SimpleNamespace(
        dag_id="d", run_id="r", task_id="accept", map_index=-1, try_number=1, xcom_push=lambda **_: None
    )
    return AcceptEntityConnectionOperator(task_id="accept", approval=approval).execute({"ti": ti})

def test_an_approved_request_is_accepted(zuora_reviews):
    result = accept(zuora_reviews.answer(PENDING_ID, dag_id="d", run_id="r", reason="as agreed"))
    assert (result["status"], result["approved_by"], result["reason"]) == ("Connected", "ann", "as agreed")

def test_a_rejected_request_is_left_alone(zuora_simulator, zuora_reviews):
    with pytest.raises(AirflowSkipException, match="ann chose Reject"):
        accept(zuora_reviews.answer(PENDING_ID, dag_id="d", run_id="r", option="Reject"))
    assert zuora_simulator.requests("PUT") == []
"""

DAG = """
from airflow.sdk import dag
from airflow_zuora.operators.entity_connection import AcceptEntityConnectionOperator
from airflow_zuora.operators.review import ReviewEntityConnectionOperator
from airflow_zuora.simulator.seed import PENDING_ID

@dag(schedule=None)
def two_reviews():
    legal, finance = (
        ReviewEntityConnectionOperator(task_id=name, connection_id=PENDING_ID)
        for name in ("legal", "finance")
    )
    AcceptEntityConnectionOperator(task_id="accept", approval=[legal.output, finance.output])

two_reviews()
"""

WHOLE_DAG = """
import os
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow_zuora.simulator.seed import PENDING_ID

@pytest.fixture
def dag():
    return DagBag(Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])).dags["two_reviews"]

@pytest.fixture
def state(zuora_simulator):
    return lambda: str(zuora_simulator.store.connections.get(PENDING_ID).status)

def states(run):
    return {ti.task_id: str(ti.state) for ti in run.get_task_instances()}

def test_two_people_approve(dag, zuora_reviews, state):
    with (
        zuora_reviews.answering(task_id="legal", answered_by="ann", reason="as agreed") as legal,
        zuora_reviews.answering(task_id="finance", answered_by="bob") as finance,
    ):
        run = dag.test()
    assert states(run) == {"legal": "success", "finance": "success", "accept": "success"}
    assert legal == finance == ["Connect Acme Corporation to Acme Germany?"]
    assert state() == "Connected"

def test_everything_is_rejected(dag, zuora_reviews, state):
    with zuora_reviews.answering("Reject") as answered:
        run = dag.test()
    assert states(run) == {"legal": "success", "finance": "success", "accept": "skipped"}
    assert len(answered) == 2
    assert state() == "Pending"

def test_an_option_that_is_not_offered_ends_the_run(dag, zuora_reviews, state):
    with pytest.raises(RuntimeError, match="Invalid options"):
        with zuora_reviews.answering("Deny") as answered:
            run = dag.test()
    assert states(run)["accept"] == "upstream_failed"
    assert answered == []
    assert state() == "Pending"
"""


def run_suite(folder: Path, suite: str, **variables: str) -> str:
    """Run a test suite in a process of its own, as its author would."""
    (folder / "conftest.py").write_text('pytest_plugins = ["airflow_zuora.testing"]\n')
    (folder / "test_suite.py").write_text(suite)
    (folder / "pytest.ini").write_text(INI)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder / "test_suite.py")]
    return run(folder, *command, **variables)


def run(folder: Path, *command: str, **variables: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
    paths = [str(Path.cwd()), environment.get("PYTHONPATH", "")]
    environment |= {
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        **variables,
    }
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_each_test_gets_a_fresh_simulator_and_no_token(tmp_path: Path) -> None:
    assert "7 passed" in run_suite(tmp_path, SIMULATOR)


def test_one_task_is_tested_with_a_sealed_answer(tmp_path: Path) -> None:
    assert "2 passed" in run_suite(tmp_path, ONE_TASK)


@pytest.mark.skipif(
    Version(version("apache-airflow")) < Version("3.3"),
    reason="dag.test() runs no human-in-the-loop task before Airflow 3.3",
)
def test_a_whole_dag_is_tested_with_people_who_answer(tmp_path: Path) -> None:
    dags = tmp_path / "dags"
    dags.mkdir()
    (dags / "two_reviews.py").write_text(DAG)
    folder = {"AIRFLOW__CORE__DAGS_FOLDER": str(dags)}
    for command in (["db", "migrate"], ["dags", "reserialize"]):
        run(tmp_path, sys.executable, "-m", "airflow", *command, **folder)
    assert "3 passed" in run_suite(tmp_path, WHOLE_DAG, **folder)


def test_a_sealed_answer_is_only_about_connections_of_the_simulator(zuora_reviews: ZuoraReviews) -> None:
    with pytest.raises(Exception, match="8a80-unknown"):
        zuora_reviews.answer("8a80-unknown", dag_id="d", run_id="r")


def test_the_simulator_can_be_started_without_the_fixture() -> None:
    import airflow_zuora.testing as testing

    assert testing.ZuoraSimulator is ZuoraSimulator
    with pytest.raises(AttributeError, match="no attribute 'Zuora'"):
        testing.Zuora  # noqa: B018  # the look-up is the test
