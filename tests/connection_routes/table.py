"""What came of each way to give each field, as a table."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.connection_routes.fields import FIELDS, MEANING, Field

READ, NAMED, UNREADABLE = "read", "named", "Airflow"
ROOT = Path(__file__).parents[2]


def play() -> dict[str, dict[str, Any]]:
    """Give all connections to an Airflow of its own; return what the hook found, by way and field."""
    with TemporaryDirectory(prefix="airflow-zuora-routes-") as home:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
        environment |= {
            "AIRFLOW_HOME": home,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(64),
            "AIRFLOW__CORE__DAGS_FOLDER": str(Path(__file__).parent / "dags"),
            "PYTHONPATH": str(ROOT),
        }
        command = [sys.executable, "-m", "tests.connection_routes.ways"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        result = Path(home) / "found.json"
        if not result.exists():
            raise RuntimeError(done.stdout + done.stderr)
        found: dict[str, dict[str, Any]] = json.loads(result.read_text())
        return found


def outcome(field: Field, found: dict[str, Any] | str) -> str:
    """
    Say in a word what came of a field.

    :return: ``read`` as it was meant; ``named`` in an error that says which form to use; not read by
        ``Airflow``, and the error names the connection; or, if it is none of these, what was found.
    """
    if isinstance(found, dict):
        return READ if found == {**MEANING, **field.meaning} else f"WRONG {found}"
    if found.startswith("ZuoraConfigError: Airflow connection 'way_"):
        if any(f"{name} was read as the number" in found for name in field.texts) and "as JSON" in found:
            return NAMED
        if "Airflow could not read its definition" in found:
            return UNREADABLE
    return f"WRONG {found}"


def print_table(outcomes: dict[str, dict[str, str]]) -> None:
    """Print a column for each field and a line for each way, or for all ways that have the same outcome."""
    heads = ["way", *(field.name for field in FIELDS)]
    ways: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for way, line in outcomes.items():
        ways[tuple(line.values())].append(way)
    lines = [["<br>".join(names), *line] for line, names in ways.items()]
    for cells in (heads, ["---"] * len(heads), *lines):
        print(f"| {' | '.join(cells)} |")
