"""The fields of an Airflow connection, as people write them in each form, and what they mean to the hook."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote, urlencode

from airflow_zuora.client.config import ZuoraConnection
from airflow_zuora.get_provider_info import CONN_FIELDS

SECRET = "x/7Kp+Zq=R4t&9 a%2Fb~m:@"
BASE = {"host": "rest.zuora.com", "login": "client", "password": "secret"}
MEANING = asdict(ZuoraConnection("https://rest.zuora.com", "client", "secret", None, 130.0, "2025-08-12"))

Writer = Callable[[dict[str, str]], str]


@dataclass(frozen=True)
class Field:
    """
    One column of the table.

    :param name: Its head.
    :param texts: The fields that are written, all as text.
    :param meaning: What the hook has to read.
    """

    name: str
    texts: dict[str, str]
    meaning: dict[str, Any]


FIELDS = [
    Field("host", {"host": "https://rest.test.zuora.com"}, {"base_url": "https://rest.test.zuora.com"}),
    Field("port", {"port": "8443"}, {"base_url": "https://rest.zuora.com:8443"}),
    Field("secret", {"password": SECRET}, {"client_secret": SECRET}),
    Field(
        "environment",
        {"host": "", "environment": "rest.eu.zuora.com"},
        {"base_url": "https://rest.eu.zuora.com"},
    ),
    Field(
        "id `11e6...6d`",
        {"entity_id": "11e643f4a3ee8badb0610025904c756d"},
        {"entity_id": "11e643f4-a3ee-8bad-b061-0025904c756d"},
    ),
    Field(
        "id `1234-...`",
        {"entity_id": "12345678-1234-1234-1234-123456789012"},
        {"entity_id": "12345678-1234-1234-1234-123456789012"},
    ),
    Field(
        "id `1234...`",
        {"entity_id": "12345678123412341234123456789012"},
        {"entity_id": "12345678-1234-1234-1234-123456789012"},
    ),
    Field(
        "id `12e4...`",
        {"entity_id": "12e45678123412341234123456789012"},
        {"entity_id": "12e45678-1234-1234-1234-123456789012"},
    ),
    Field("timeout `60`", {"timeout": "60"}, {"timeout": 60.0}),
    Field("version `2024-05-20`", {"zuora_version": "2024-05-20"}, {"zuora_version": "2024-05-20"}),
    Field("version `341.0`", {"zuora_version": "341.0"}, {"zuora_version": "341.0"}),
    Field("version `341.10`", {"zuora_version": "341.10"}, {"zuora_version": "341.10"}),
    Field("all empty", dict.fromkeys(CONN_FIELDS, ""), {}),
]


def written(texts: dict[str, str]) -> dict[str, Any]:
    """Return the fields of a connection with every value as text."""
    fields = {**BASE, **texts}
    extra = {name: fields.pop(name) for name in list(fields) if name in CONN_FIELDS}
    return {"conn_type": "zuora", **fields, **({"extra": extra} if extra else {})}


def as_json(texts: dict[str, str]) -> str:
    """Write a connection as JSON, with every value in quotes."""
    return json.dumps(written(texts))


def as_bare_json(texts: dict[str, str]) -> str:
    """Write a connection as JSON, with numbers without quotes, and null for what is empty."""
    return _bare(r"\d+(\.\d+)?(e\d+)?", texts)


def as_bare_yaml(texts: dict[str, str]) -> str:
    """Write a connection as YAML, with no quotes where a person would write none."""
    return _bare(r"[\da-f.-]+", texts)


def _bare(pattern: str, texts: dict[str, str]) -> str:
    text = re.sub(rf'"({pattern})"(?!:)', r"\1", as_json(texts))
    return re.sub(r'""(?!:)', "null", text)


def as_uri(texts: dict[str, str]) -> str:
    """Write a connection as a URI, as Airflow's documentation shows it."""
    fields = written(texts)
    scheme, _, host = fields["host"].rpartition("://")
    user = f"{quote(fields['login'], safe='')}:{quote(fields['password'], safe='')}"
    port = f":{fields['port']}" if fields.get("port") else ""
    protocol = f"{scheme}://" if scheme else ""
    return f"zuora://{protocol}{user}@{host}{port}/?{urlencode(fields.get('extra', {}))}"
