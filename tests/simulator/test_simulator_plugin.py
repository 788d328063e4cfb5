"""The pytest plugin, as a user's test suite loads it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SUITE = """
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

def test_all_share_one_server_and_the_variable_is_gone():
    assert len(ports) == 1
    assert "AIRFLOW_CONN_ZUORA_DEFAULT" not in os.environ
"""


def test_the_plugin_gives_each_test_a_fresh_simulator(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["airflow_zuora.simulator.pytest_plugin"]\n')
    (tmp_path / "test_suite.py").write_text(SUITE)
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
    paths = [str(Path.cwd()), environment.get("PYTHONPATH", "")]
    environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    result = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "4 passed" in result.stdout
