"""ZuoraHook: the way to Zuora for operators, sensors, triggers and your own tasks."""

from __future__ import annotations

from typing import Any

from airflow_zuora.exceptions import ZuoraError, ZuoraResponseError, ZuoraTransportError
from airflow_zuora.get_provider_info import UI_FIELD_BEHAVIOUR
from airflow_zuora.hooks.connections import EntityConnectionsHook
from airflow_zuora.hooks.listing import CONNECTIONS, rows_of
from airflow_zuora.models import Entity, entity_hex

ENTITIES = "/v1/entities"
TEST_TIMEOUT = 5.0  # seconds for each of the two calls of test_connection


class ZuoraHook(EntityConnectionsHook):
    """
    Calls Zuora's Entity Connections and Entities, and any other operation of the v1 API.

    :param zuora_conn_id: Airflow connection of type ``zuora``.
    :param entity_id: entity that the calls are for, instead of the connection's.
    :param timeout: seconds to wait for an answer, instead of the connection's.
    :param track_id: ``Zuora-Track-Id`` of all calls of this hook, by which Zuora's support finds them.
    """

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """
        Give Airflow 3.1 the labels that later versions read from the provider info.

        It looks in the class of the connection type itself, not in those above it.
        """
        return {name.replace("-", "_"): value for name, value in UI_FIELD_BEHAVIOUR.items()}

    def list_entities(self, provisioned: bool | None = None) -> list[Entity]:
        """
        List the entities of the tenant that the OAuth client may see.

        Source: https://developer.zuora.com/v1-api-reference/older-api/entities/get_entities

        :param provisioned: only entities that are, or are not, provisioned; ``None`` for all.
        """
        params = None if provisioned is None else {"provisioned": str(provisioned).lower()}
        return [
            Entity.from_api(row) for row in rows_of(self.request("GET", ENTITIES, params=params), "entities")
        ]

    def get_entity(self, entity_id: str) -> Entity:
        """
        Read one entity.

        Source: https://developer.zuora.com/v1-api-reference/older-api/entities/get_entity

        :param entity_id: 32 hex digits, with or without hyphens.
        :raises ZuoraNotFoundError: if there is none.
        """
        return Entity.from_api(self.request("GET", f"{ENTITIES}/{entity_hex(entity_id)}"))

    def test_connection(self) -> tuple[bool, str]:
        """Get a token and read one connection, within ten seconds; say which part failed."""
        self.timeout, self.max_attempts = TEST_TIMEOUT, 1
        part = "Connection"
        try:
            auth = self.auth
            part = "Credentials"
            auth.reject()
            auth.token()
            part = "Entity"
            entity = self.find_entity()
            part = "Permission"
            self.request("GET", CONNECTIONS, params={"pageSize": 1})
        except (ZuoraTransportError, ZuoraResponseError) as error:
            return False, f"Address: {error}"
        except ZuoraError as error:
            return False, f"{part}: {error}"
        return (
            True,
            f"{self.zuora_connection.base_url} gave a token and reads entity {entity or 'of the tenant'}",
        )
