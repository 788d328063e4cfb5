"""What the wheel contains."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.xdist_group("wheel")  # in one worker, so that it is built once


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_ships_the_example_dags(wheel: zipfile.ZipFile) -> None:
    shipped = {name for name in wheel.namelist() if name.startswith("airflow_zuora/example_dags/")}
    assert shipped == {f"airflow_zuora/example_dags/{path.name}" for path in ROOT.glob("dags/*.py")}


def test_the_wheel_ships_types_and_the_simulators_page(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    package = ROOT / "airflow_zuora"
    files = [path for path in package.rglob("*") if path.is_file() and path.parent.name != "__pycache__"]
    others = [path for path in files if path.suffix != ".py"]
    assert len(others) > 1
    assert {str(path.relative_to(ROOT)) for path in others} <= names


def test_the_wheel_registers_the_provider_with_airflow(wheel: zipfile.ZipFile) -> None:
    (entry_points,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    text = wheel.read(entry_points).decode()
    assert "[apache_airflow_provider]" in text
    assert "airflow_zuora.get_provider_info:get_provider_info" in text
