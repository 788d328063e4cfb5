"""
The ways to give Airflow a connection, and what the hook reads in a task.

It runs in an Airflow of its own, and writes what was found into the folder ``AIRFLOW_HOME``.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from airflow.api_fastapi.app import create_app
from airflow.cli import cli_parser
from airflow.models import Connection
from starlette.testclient import TestClient

from airflow_zuora.get_provider_info import CONN_FIELDS
from airflow_zuora.hooks.zuora import ZuoraHook
from tests.connection_routes.fields import (
    FIELDS,
    Field,
    Writer,
    as_bare_json,
    as_bare_yaml,
    as_json,
    as_uri,
    written,
)

HOME = Path(os.environ["AIRFLOW_HOME"])
LOCAL = "local files backend"
BACKEND = "airflow.secrets.local_filesystem.LocalFilesystemBackend"


def airflow(*arguments: str) -> None:
    """Run a command of Airflow's CLI."""
    options = cli_parser.get_parser().parse_args(arguments)
    with redirect_stdout(io.StringIO()):
        options.func(options)


def form(conn_id: str, texts: dict[str, str]) -> None:
    """Send what the form in Airflow's UI sends: null for an extra that is left empty, and port 0."""
    fields = written(texts)
    extra: dict[str, Any] = {name: texts.get(name) or None for name in CONN_FIELDS}
    if extra["timeout"]:
        extra["timeout"] = int(extra["timeout"])
    body = {**fields, "connection_id": conn_id, "schema": "", "description": ""}
    body |= {"port": int(texts.get("port", 0)), "extra": json.dumps(extra)}
    rest_api().post("/api/v2/connections", json=body)


@cache
def rest_api() -> TestClient:
    """Return a client of Airflow's REST API, which runs in this process."""
    api = TestClient(create_app(apps="core"))
    api.headers["Authorization"] = f"Bearer {api.get('/auth/token').json()['access_token']}"
    return api


def variable(write: Writer) -> Callable[..., None]:
    def store(conn_id: str, texts: dict[str, str]) -> None:
        os.environ[f"AIRFLOW_CONN_{conn_id.upper()}"] = write(texts)

    return store


def add(option: str, write: Writer) -> Callable[..., None]:
    def store(conn_id: str, texts: dict[str, str]) -> None:
        airflow("connections", "add", conn_id, option, write(texts))

    return store


def add_with_options(conn_id: str, texts: dict[str, str]) -> None:
    fields = written(texts)
    extra, conn_type = json.dumps(fields.pop("extra", {})), fields.pop("conn_type")
    options = [text for name, value in fields.items() if value for text in (f"--conn-{name}", value)]
    airflow("connections", "add", conn_id, "--conn-type", conn_type, *options, "--conn-extra", extra)


def file(suffix: str, write: Writer) -> Callable[..., Path]:
    def store(conn_id: str, texts: dict[str, str]) -> Path:
        path = HOME / f"{conn_id}.{suffix}"
        path.write_text(
            f"{conn_id}={write(texts)}" if suffix == "env" else f'{{"{conn_id}": {write(texts)}}}'
        )
        return path

    return store


def imported(suffix: str, write: Writer) -> Callable[..., None]:
    def store(conn_id: str, texts: dict[str, str]) -> None:
        airflow("connections", "import", str(file(suffix, write)(conn_id, texts)))

    return store


def uri_of_airflow(texts: dict[str, str]) -> str:
    """Return the URI that Airflow itself writes, for an export and for the button Test."""
    return str(Connection.from_json(as_json(texts)).get_uri())


WAYS: dict[str, Callable[[str, dict[str, str]], Any]] = {
    "form": form,
    "environment variable, JSON": variable(as_json),
    "environment variable, JSON, bare numbers": variable(as_bare_json),
    "environment variable, URI": variable(as_uri),
    "`airflow connections add --conn-json`": add("--conn-json", as_json),
    "`--conn-json`, bare numbers": add("--conn-json", as_bare_json),
    "`--conn-uri`": add("--conn-uri", as_uri),
    "`--conn-extra`": add_with_options,
    "`airflow connections import`, JSON": imported("json", as_json),
    "import, JSON, bare numbers": imported("json", as_bare_json),
    "import, YAML": imported("yaml", as_json),
    "import, YAML, without quotes": imported("yaml", as_bare_yaml),
    "import, env file": imported("env", as_uri),
    f"{LOCAL}, JSON": file("json", as_json),
    f"{LOCAL}, JSON, bare numbers": file("json", as_bare_json),
    f"{LOCAL}, YAML": file("yaml", as_json),
    f"{LOCAL}, YAML, without quotes": file("yaml", as_bare_yaml),
    f"{LOCAL}, env file": file("env", as_uri),
    "button *Test* (`get_uri()`)": variable(uri_of_airflow),
    "export to an env file, and import": imported("env", uri_of_airflow),
}


def conn_id_of(way: str, field: Field) -> str:
    return f"way_{list(WAYS).index(way)}_{FIELDS.index(field)}"


def store_all() -> None:
    for way, store in WAYS.items():
        for field in FIELDS:
            # What Airflow refuses is not there when it is read.
            with suppress(Exception):
                store(conn_id_of(way, field), field.texts)


def read(way: str, field: Field) -> dict[str, Any] | str:
    """Return what the hook reads, or its error."""
    conn_id = conn_id_of(way, field)
    if way.startswith(LOCAL):
        use_local_file(next(HOME.glob(f"{conn_id}.*")))
    try:
        return asdict(ZuoraHook(conn_id).client.config)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def use_local_file(path: Path) -> None:
    os.environ["AIRFLOW__SECRETS__BACKEND"] = BACKEND
    os.environ["AIRFLOW__SECRETS__BACKEND_KWARGS"] = json.dumps({"connections_file_path": str(path)})
    with suppress(ImportError):  # before Airflow 3.3, a backend is made anew for each look-up
        from airflow.sdk.configuration import clear_secrets_backends_cache

        clear_secrets_backends_cache()


def read_all() -> None:
    """Read all connections, and write down what came of it; called in a task."""
    found = {way: {field.name: read(way, field) for field in FIELDS} for way in WAYS}
    (HOME / "found.json").write_text(json.dumps(found))


def main() -> None:
    airflow("db", "migrate")
    store_all()
    airflow("dags", "reserialize")
    from tests.connection_routes.dags.reading import READING

    READING.test()


if __name__ == "__main__":
    main()
