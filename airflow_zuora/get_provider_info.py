"""The provider's metadata, which Airflow reads without importing the hook: connection form and modules."""

from __future__ import annotations

from typing import Any

# The connection stores the host, not the label, so that it can be understood outside the form too.
# Source: https://developer.zuora.com/docs/get-started/introduction/ (base URLs)
ENVIRONMENTS: dict[str, str] = {
    "rest.zuora.com": "US Production, Cloud 2",
    "rest.na.zuora.com": "US Production, Cloud 1",
    "rest.apisandbox.zuora.com": "US API Sandbox, Cloud 2",
    "rest.sandbox.na.zuora.com": "US API Sandbox, Cloud 1",
    "rest.test.zuora.com": "US Developer & Central Sandbox",
    "rest.eu.zuora.com": "EU Production",
    "rest.sandbox.eu.zuora.com": "EU API Sandbox",
    "rest.test.eu.zuora.com": "EU Developer & Central Sandbox",
    "rest.ap.zuora.com": "APAC Production",
    "rest.test.ap.zuora.com": "APAC Developer & Central Sandbox",
}
DEFAULT_TIMEOUT = 130
DEFAULT_ZUORA_VERSION = "2025-08-12"
INTEGRATION = "Zuora"

CONN_FIELDS: dict[str, dict[str, Any]] = {
    "environment": {
        "label": "Environment",
        "description": "Zuora data centre of the tenant. Leave it empty if Host is set.",
        "schema": {
            "type": ["string", "null"],
            "enum": list(ENVIRONMENTS),
            "values_display": {host: f"{label} ({host})" for host, label in ENVIRONMENTS.items()},
        },
    },
    "entity_id": {
        "label": "Entity ID",
        "description": "Entity that the calls act for: 32 hex digits, with or without hyphens. Leave it "
        "empty if the OAuth client acts for several: then each change acts for the target of its request.",
        "schema": {"type": ["string", "null"], "minLength": 32, "maxLength": 36},
    },
    "timeout": {
        "label": "Timeout (seconds)",
        "description": f"Seconds that one request may take; {DEFAULT_TIMEOUT} if empty. Zuora's gateway "
        "gives up after 120 seconds, so a shorter timeout can lose an answer.",
        "schema": {"type": ["integer", "null"], "minimum": 1, "maximum": 3600},
    },
    "zuora_version": {
        "label": "Zuora-Version",
        "description": f"Minor version of the REST API, sent as a header; {DEFAULT_ZUORA_VERSION} if empty.",
        "schema": {"type": ["string", "null"], "examples": [DEFAULT_ZUORA_VERSION]},
    },
}

UI_FIELD_BEHAVIOUR: dict[str, Any] = {
    "hidden-fields": ["schema"],
    "relabeling": {
        "login": "Client ID",
        "password": "Client Secret",
        "host": "Host (instead of Environment)",
    },
    "placeholders": {
        "host": "only for a host that Environment does not list",
        "port": "443",
        "login": "Client ID of the OAuth client",
        "password": "Client Secret of the OAuth client",
    },
}

MODULES: dict[str, list[str]] = {
    "hooks": ["airflow_zuora.hooks.zuora"],
    "operators": ["airflow_zuora.operators.entity_connection", "airflow_zuora.operators.review"],
    "sensors": ["airflow_zuora.sensors.entity_connection"],
    "triggers": ["airflow_zuora.triggers.entity_connection"],
}


def get_provider_info() -> dict[str, Any]:
    """
    Return the provider's metadata, in Airflow's schema; the entry point ``apache_airflow_provider``.

    ``package-name`` must be the name of the distribution: any other value breaks every ``airflow`` command.
    """
    return {
        "package-name": "airflow-zuora",
        "name": INTEGRATION,
        "description": "Entity connections of Zuora Multi-entity, accepted after a human approved them.",
        "integrations": [
            {
                "integration-name": INTEGRATION,
                "external-doc-url": "https://developer.zuora.com/",
                "tags": ["service"],
            }
        ],
        "connection-types": [
            {
                "connection-type": "zuora",
                "hook-class-name": "airflow_zuora.hooks.zuora.ZuoraHook",
                "hook-name": INTEGRATION,
                "ui-field-behaviour": UI_FIELD_BEHAVIOUR,
                "conn-fields": CONN_FIELDS,
            }
        ],
        **{
            kind: [{"integration-name": INTEGRATION, "python-modules": modules}]
            for kind, modules in MODULES.items()
        },
    }
