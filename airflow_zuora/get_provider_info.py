"""What Airflow learns about this provider without importing it: the connection form and the modules."""

from __future__ import annotations

from typing import Any

# The stored value is the REST host itself, so that a connection reads well outside the form too.
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
        "description": "Zuora data centre of the tenant. Leave empty when a host is given above.",
        "schema": {
            "type": ["string", "null"],
            "enum": list(ENVIRONMENTS),
            "values_display": {host: f"{label} ({host})" for host, label in ENVIRONMENTS.items()},
        },
    },
    "entity_id": {
        "label": "Entity ID",
        "description": "Entity that the calls are made for: 32 hex digits, with or without hyphens. "
        "Needed when the OAuth client may use more than one entity.",
        "schema": {"type": ["string", "null"], "minLength": 32, "maxLength": 36},
    },
    "timeout": {
        "label": "Timeout (seconds)",
        "description": f"How long to wait for an answer; {DEFAULT_TIMEOUT} if empty. "
        "Zuora's gateway gives up after 120, so less than that can lose an answer.",
        "schema": {"type": ["integer", "null"], "minimum": 1, "maximum": 3600},
    },
    "zuora_version": {
        "label": "Zuora-Version",
        "description": f"Minor version of the REST API, sent as header; {DEFAULT_ZUORA_VERSION} if empty.",
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
        "host": "only for hosts that Environment does not list",
        "port": "443",
        "login": "Client ID of the OAuth client",
        "password": "Client Secret of the OAuth client",
    },
}


def get_provider_info() -> dict[str, Any]:
    """
    Describe the provider to Airflow (entry point ``apache_airflow_provider``).

    ``package-name`` must be the distribution's name: any other value stops ``airflow`` for everybody.
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
        "hooks": [{"integration-name": INTEGRATION, "python-modules": ["airflow_zuora.hooks.zuora"]}],
        **{
            kind: [
                {
                    "integration-name": INTEGRATION,
                    "python-modules": [f"airflow_zuora.{kind}.entity_connection"],
                }
            ]
            for kind in ("operators", "sensors", "triggers")
        },
    }
