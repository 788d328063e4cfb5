"""All locations where Airflow stores or shows something, as pairs of a name and a text."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from configparser import RawConfigParser
from contextlib import closing
from typing import Any

import requests
from cryptography.fernet import Fernet

from airflow_zuora.demo.airflow import LocalAirflow

SECRETS_TABLE = "connection"  # the only table that may hold secrets
# A task of the DAG "failures" prints these words before a secret. Airflow masks the secret in the task's log,
# but not in the copy that LocalExecutor writes to the scheduler's log (Airflow 3.2 and 3.3).
CARELESS = "A careless author shows"
_FERNET = re.compile(r"gAAAA[A-Za-z0-9_=-]{60,}")


def files(airflow: LocalAirflow) -> Iterator[tuple[str, str]]:
    """Read all files below Airflow's folder except the database: logs, and whatever else there is."""
    for path in sorted(airflow.folder.rglob("*")):
        if path.is_file() and not path.name.startswith("airflow.db"):
            text = path.read_text(errors="replace")
            if path == airflow.log:
                text = "\n".join(line for line in text.splitlines() if CARELESS not in line)
            yield str(path.relative_to(airflow.folder)), text


def tables(airflow: LocalAirflow) -> Iterator[tuple[str, str]]:
    """Read all columns of all tables, and decrypt what is encrypted."""
    config = RawConfigParser()
    config.read(airflow.folder / "airflow.cfg")
    fernet = Fernet(config["core"]["fernet_key"])
    with closing(sqlite3.connect(f"file:{airflow.folder}/airflow.db?mode=ro", uri=True)) as database:
        names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in sorted(set(names) - {SECRETS_TABLE}):
            rows = database.execute(f'SELECT * FROM "{table}"')  # the names are Airflow's own
            columns = [column[0] for column in rows.description]
            cells: dict[str, list[str]] = {}
            for row in rows:
                for column, cell in zip(columns, row, strict=True):
                    text = cell.decode(errors="replace") if isinstance(cell, bytes) else str(cell)
                    cells.setdefault(column, []).append(
                        _FERNET.sub(lambda found: _decrypt(fernet, found), text)
                    )
            for column, texts in cells.items():
                yield f"{table}.{column}", "\n".join(texts)


def _decrypt(fernet: Fernet, found: re.Match[str]) -> str:
    return fernet.decrypt(found[0].encode()).decode()


def answers(airflow: LocalAirflow, parameters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Make every GET request of Airflow's REST API that these parameters allow."""
    paths = airflow.call("GET", "/openapi.json")["paths"]
    for path in sorted(path for path, methods in paths.items() if "get" in methods and "auth" not in path):
        if set(re.findall(r"{(\w+)", path)) <= set(parameters):
            url = re.sub(r"{(\w+)[^}]*}", lambda found: str(parameters[found[1]]), path)
            try:
                yield f"GET {path}", json.dumps(airflow.call("GET", url))
            except requests.JSONDecodeError as other:
                yield f"GET {path}", other.doc
            except requests.HTTPError as refused:
                yield f"GET {path}", f"{refused}"
