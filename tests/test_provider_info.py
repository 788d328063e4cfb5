from __future__ import annotations

import importlib
import importlib.metadata
import importlib.resources
import json
import re
import subprocess
import sys

import jsonschema
import pytest
from airflow import __version__ as AIRFLOW_VERSION
from airflow.providers_manager import ProvidersManager
from airflow.sdk import Connection
from airflow.sdk._shared.secrets_masker import DEFAULT_SENSITIVE_FIELDS
from packaging.version import Version

from airflow_zuora.client.config import ZuoraConnection
from airflow_zuora.exceptions import ZuoraConfigError
from airflow_zuora.get_provider_info import CONN_FIELDS, ENVIRONMENTS, get_provider_info
from airflow_zuora.hooks.zuora import ZuoraHook

INFO = get_provider_info()
CONNECTION_TYPE = INFO["connection-types"][0]
DISTRIBUTION = importlib.metadata.distribution("airflow-zuora")


def test_the_metadata_follows_airflows_schema():
    schema = json.loads((importlib.resources.files("airflow") / "provider_info.schema.json").read_text())
    jsonschema.validate(INFO, schema)
    assert json.loads(json.dumps(INFO)) == INFO


def test_the_package_name_is_the_name_of_the_distribution():
    name = re.sub(r"[-_.]+", "-", DISTRIBUTION.metadata["Name"]).lower()
    assert INFO["package-name"] == name
    (entry_point,) = DISTRIBUTION.entry_points.select(group="apache_airflow_provider")
    assert entry_point.load() is get_provider_info


def test_the_connection_type_and_the_hook_agree():
    module, _, name = CONNECTION_TYPE["hook-class-name"].rpartition(".")
    assert getattr(importlib.import_module(module), name) is ZuoraHook
    assert CONNECTION_TYPE["connection-type"] == ZuoraHook.conn_type == "zuora"
    assert CONNECTION_TYPE["hook-name"] == ZuoraHook.hook_name == "Zuora"
    assert (ZuoraHook.conn_name_attr, ZuoraHook.default_conn_name) == ("zuora_conn_id", "zuora_default")
    assert "__" not in ZuoraHook.conn_type
    behaviour = {
        name.replace("-", "_"): value for name, value in CONNECTION_TYPE["ui-field-behaviour"].items()
    }
    assert ZuoraHook.get_ui_field_behaviour() == behaviour


# Airflow 3.1 causes this when it imports its own human-in-the-loop operators.
@pytest.mark.filterwarnings("ignore:The .airflow.operators.branch.BranchMixIn. attribute is deprecated")
@pytest.mark.parametrize("kind", [name for name, value in INFO.items() if isinstance(value, list)])
def test_every_module_and_class_that_is_listed_can_be_imported(kind):
    for entry in INFO[kind]:
        for path in entry.get("python-modules", []) if isinstance(entry, dict) else []:
            importlib.import_module(path)


@pytest.fixture(scope="module")
def providers() -> ProvidersManager:
    return ProvidersManager()


# Airflow 3.2 moved it to ProvidersManagerTaskRuntime, which 3.1 does not have.
@pytest.mark.filterwarnings("ignore:ProvidersManager.hooks is deprecated")
def test_airflow_finds_the_provider_and_its_hook(providers):
    assert providers.providers["airflow-zuora"].version == DISTRIBUTION.version
    hook = providers.hooks["zuora"]
    assert hook is not None
    assert (hook.hook_class_name, hook.hook_name) == (CONNECTION_TYPE["hook-class-name"], "Zuora")
    assert hook.connection_testable is True


# In a fresh interpreter: Airflow 3.1 shows the form only if nothing has imported hooks before.
FORMS = """
from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService
for form in HookMetaService.hook_meta_data():
    if form.connection_type == "zuora":
        print(form.model_dump_json())
"""


def test_airflow_shows_the_form():
    command = [sys.executable, "-c", FORMS]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    form = json.loads(done.stdout.splitlines()[-1])
    standard = form["standard_fields"]
    assert form["hook_name"] == "Zuora"
    assert standard["login"]["title"] == "Client ID"
    assert standard["password"]["title"] == "Client Secret"
    assert standard["url_schema"]["hidden"] is True
    assert standard["port"]["hidden"] is False
    # Airflow 3.1 shows only fields of the old form widgets; there the user writes the extra as JSON.
    expected = list(CONN_FIELDS) if Version(AIRFLOW_VERSION) >= Version("3.2") else []
    assert list(form["extra_fields"] or {}) == expected


def test_the_form_has_the_fields_that_the_connection_reads():
    values = {
        "environment": "rest.zuora.com",
        "entity_id": "a" * 32,
        "timeout": 7,
        "zuora_version": "2024-05-20",
    }
    assert list(CONN_FIELDS) == list(values)
    read = ZuoraConnection.read(Connection(conn_id="z", login="a", password="b", extra=json.dumps(values)))
    assert read.base_url == "https://rest.zuora.com"
    assert (read.entity_id, read.timeout, read.zuora_version) == (
        "-".join("a" * n for n in (8, 4, 4, 4, 12)),
        7,
        "2024-05-20",
    )
    with pytest.raises(ZuoraConfigError, match="unknown extra x"):
        ZuoraConnection.read(Connection(conn_id="z", login="a", password="b", extra='{"x": 1}'))


@pytest.mark.parametrize("name", CONN_FIELDS)
def test_no_field_looks_like_a_secret_to_airflow_or_stores_a_default(name):
    assert not [word for word in DEFAULT_SENSITIVE_FIELDS if word in name]
    field = CONN_FIELDS[name]
    jsonschema.Draft7Validator.check_schema(field["schema"])
    assert "null" in field["schema"]["type"]
    assert "default" not in field["schema"]
    assert "value" not in field
    assert field["label"]
    assert field["description"]


def test_every_environment_has_a_readable_label():
    schema = CONN_FIELDS["environment"]["schema"]
    assert schema["enum"] == list(ENVIRONMENTS)
    assert list(schema["values_display"]) == schema["enum"]
    assert len(set(schema["values_display"].values())) == len(ENVIRONMENTS)
    assert all(host.startswith("rest.") and host.endswith(".zuora.com") for host in ENVIRONMENTS)
