"""The tenant that a new simulator starts with: Acme Corporation and its entities."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from airflow_zuora.models import EntityConnectionStatus as Status
from airflow_zuora.simulator.records import Entity, OAuthClient, Role

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE_ENTITY_ID = "11e643f4a3ee8badb0610025904c756d"
"""Acme Corporation, the global entity."""
US_ENTITY_ID = "11e64eef71f2d4b3a1de0025904c9a21"
CANADA_ENTITY_ID = "11e64ef0c2b8e55c8d370025904c57d6"
EMEA_ENTITY_ID = "11e6c1f3b97b03e9a4920025904c9a2d"
DEFAULT_ENTITY_ID = "11e7215c5d0c9f86b7e4f2c1d9a1b38e"
"""Acme Germany, the target of the seeded requests."""
FRANCE_ENTITY_ID = "11e7216a8e47d1c09c5bf2c1d9a1c412"
UK_ENTITY_ID = "11e7217e04d3a6fbb1c8f2c1d9a1d7f0"
APAC_ENTITY_ID = "11e8045b1f6c72de96a3f2c1d9b04e5c"
JAPAN_ENTITY_ID = "11e804602ac9e8b58f1df2c1d9b0563a"
AUSTRALIA_ENTITY_ID = "11e80466b35f10c7a2b6f2c1d9b061d4"
UNPROVISIONED_ENTITY_ID = "11e9d2a7f8b341e69d0cf2c1d9c8aa17"
"""Acme Brasil."""

PENDING_ID = "8a80825555a3c7a10155b460f53858e6"
"""Pending, from Acme Corporation to the default entity."""
PENDING_IDS = (PENDING_ID, "8a80825a61d2f34c0161d6b7e2c9417b", "8a8082626a7be9150171a89cd0f35e02")
"""Pending, to the default entity, from Acme Corporation, Acme US and Acme Japan."""
CONNECTED_ID = "8a80825e5b21a9d8015b2f0c94e77a30"
"""Connected, from Acme EMEA to the default entity."""
DISCONNECTED_ID = "8a80825c58f4be620158f9d35b01c6ad"
"""Disconnected, from Acme Canada to the default entity."""
OUTBOUND_ID = "8a80826472e1d90b0172e4ab7d5c0918"
"""Pending, from the default entity to Acme France."""
UNRELATED_ID = "8a8082515290ce7f0152a47e1b6d30f4"
"""Pending, from Acme Corporation to Acme APAC: the default entity does not see it."""

DEFAULT_SECRET = "x/7Kp+Zq=R4t&9 a%2Fb~m"

_ENTITIES = (
    (SOURCE_ENTITY_ID, "Acme Corporation", None, "en_US", "America/New_York"),
    (US_ENTITY_ID, "Acme US", SOURCE_ENTITY_ID, "en_US", "America/New_York"),
    (CANADA_ENTITY_ID, "Acme Canada", SOURCE_ENTITY_ID, "en_CA", "America/Toronto"),
    (EMEA_ENTITY_ID, "Acme EMEA", SOURCE_ENTITY_ID, "en_GB", "Europe/London"),
    (DEFAULT_ENTITY_ID, "Acme Germany", EMEA_ENTITY_ID, "de_DE", "Europe/Berlin"),
    (FRANCE_ENTITY_ID, "Acme France", EMEA_ENTITY_ID, "fr_FR", "Europe/Paris"),
    (UK_ENTITY_ID, "Acme UK", EMEA_ENTITY_ID, "en_GB", "Europe/London"),
    (APAC_ENTITY_ID, "Acme APAC", SOURCE_ENTITY_ID, "en_SG", "Asia/Singapore"),
    (JAPAN_ENTITY_ID, "Acme Japan", APAC_ENTITY_ID, "ja_JP", "Asia/Tokyo"),
    (AUSTRALIA_ENTITY_ID, "Acme Australia", APAC_ENTITY_ID, "en_AU", "Australia/Sydney"),
    (UNPROVISIONED_ENTITY_ID, "Acme Brasil", SOURCE_ENTITY_ID, "pt_BR", "America/Sao_Paulo"),
)

_CONNECTIONS = (
    ("8a80824f508e1b3f01509a4cfe2d7b15", SOURCE_ENTITY_ID, US_ENTITY_ID, Status.CONNECTED),
    ("8a80824f51c7a2d60151d2f08c3e96a8", SOURCE_ENTITY_ID, EMEA_ENTITY_ID, Status.CONNECTED),
    (UNRELATED_ID, SOURCE_ENTITY_ID, APAC_ENTITY_ID, Status.PENDING),
    (PENDING_IDS[0], SOURCE_ENTITY_ID, DEFAULT_ENTITY_ID, Status.PENDING),
    (DISCONNECTED_ID, CANADA_ENTITY_ID, DEFAULT_ENTITY_ID, Status.DISCONNECTED),
    (PENDING_IDS[1], US_ENTITY_ID, DEFAULT_ENTITY_ID, Status.PENDING),
    (CONNECTED_ID, EMEA_ENTITY_ID, DEFAULT_ENTITY_ID, Status.CONNECTED),
    ("8a80825f5e93bc47015ea10d6f82d3c9", EMEA_ENTITY_ID, FRANCE_ENTITY_ID, Status.CONNECTED),
    (PENDING_IDS[2], JAPAN_ENTITY_ID, DEFAULT_ENTITY_ID, Status.PENDING),
    ("8a8082636c05f1da016c1b7e0a94de52", APAC_ENTITY_ID, JAPAN_ENTITY_ID, Status.CONNECTED),
    (OUTBOUND_ID, DEFAULT_ENTITY_ID, FRANCE_ENTITY_ID, Status.PENDING),
    ("8a8082657519c0e801752b3f9d60a7f4", UK_ENTITY_ID, SOURCE_ENTITY_ID, Status.DISCONNECTED),
)


def entities(extra: int = 0, roll_out: int = 0) -> Iterator[Entity]:
    """Give the entities, parents first, and as many extra ones as asked."""
    for id_, name, parent_id, locale, timezone in _ENTITIES:
        provisioned = id_ != UNPROVISIONED_ENTITY_ID
        yield Entity(id_, name, name, parent_id, locale, timezone, provisioned)
    for number in range(1, extra + 1):
        name = f"Acme Branch {number:05d}"
        yield Entity(_made_up_id("11ea", number), name, name, SOURCE_ENTITY_ID)
    for number in range(1, roll_out + 1):
        name = f"Acme Store {number:03d}"
        yield Entity(_made_up_id("11eb", number), name, name, SOURCE_ENTITY_ID)


def connections(pending: int = 0, roll_out: int = 0) -> Iterator[tuple[str, str, str, Status]]:
    """
    Give id, source, target and status of each connection, and as many more Pending ones as asked.

    :param pending: more requests to the default entity, each from another source.
    :param roll_out: more requests from Acme Corporation, each to another target.
    """
    yield from _CONNECTIONS
    for number in range(1, pending + 1):
        yield _made_up_id("8a80", number), _made_up_id("11ea", number), DEFAULT_ENTITY_ID, Status.PENDING
    for number in range(1, roll_out + 1):
        yield _made_up_id("8a81", number), SOURCE_ENTITY_ID, _made_up_id("11eb", number), Status.PENDING


def clients(roll_out: int = 0) -> Iterator[OAuthClient]:
    """
    Give the OAuth clients.

    ``default`` administers every provisioned entity, ``target_only`` only the default entity; ``standard``
    sees all and administers none, ``read_only`` lacks API Write Access, ``deactivated`` has lost its owner.
    """
    ids = [entity.id for entity in entities(roll_out=roll_out) if entity.provisioned]
    everywhere = dict.fromkeys(ids, Role.ADMINISTRATOR)
    target = {DEFAULT_ENTITY_ID: Role.ADMINISTRATOR}
    secret = DEFAULT_SECRET
    yield OAuthClient("default", "6f1c2a9e-0b7d-4e58-9c3f-5d2b8a417e60", secret, dict(everywhere))
    yield OAuthClient("target_only", "b83d5e07-4c19-4f2a-8e6b-91a0c7d2f354", secret, target)
    yield OAuthClient(
        "standard", "29e7f40c-d8a5-4b13-a6f2-3c7e05b91d84", secret, dict.fromkeys(ids, Role.STANDARD)
    )
    yield OAuthClient(
        "read_only", "e40a96b1-73fc-4d85-b2c0-68f1d93a5e27", secret, dict(everywhere), write_access=False
    )
    yield OAuthClient(
        "deactivated", "5c92d7f8-1e6a-4037-9bd4-a7e3f08c2b61", secret, dict(everywhere), active=False
    )


def _made_up_id(prefix: str, number: int) -> str:
    """Make an id that looks real and is the same in every run."""
    digest = hashlib.blake2b(f"{prefix}{number}".encode(), digest_size=14)
    return prefix + digest.hexdigest()
