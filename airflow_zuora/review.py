"""The text by which a human decides about a request. No I/O."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_zuora.get_provider_info import ENVIRONMENTS
from airflow_zuora.texts import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_NAME = 100  # characters in a subject: it may name a map index, of which Airflow keeps 250


def plain(text: str) -> str:
    """
    Write a text so that Markdown shows it as it is: names in Zuora may hold any character.

    It is a code span. Backslashes would not do: Airflow's Markdown looks for addresses to make links of after
    it has taken them away.
    """
    shown = one_line(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    return f"{fence} {shown} {fence}"


def describe_request(row: Mapping[str, str], environment: str | None = None) -> str:
    """
    Show a request and what accepting it means.

    :param row: the request with the entities' names, as
        :class:`~airflow_zuora.operators.entity_connection.ListEntityConnectionsOperator` lists it.
    :param environment: host or address of Zuora, shown with its name.
    :return: Markdown for the ``body`` of a human-in-the-loop task; names from Zuora are plain text in it.
    """
    host = (environment or "").rpartition("://")[2]
    where = f" in {ENVIRONMENTS[host]} ({host})" if host in ENVIRONMENTS else f" in {host}" if host else ""
    return "\n\n".join(
        (
            f"**Source** (asks): {plain(row['source_name'])}, entity {plain(row['source_entity_id'])}",
            f"**Target** (decides): {plain(row['target_name'])}, entity {plain(row['target_entity_id'])}",
            f"Connection {plain(row['connection_id'])} is {plain(row['status'])}{where}.",
            "**Accepting** lets the source share products and accounting periods with the target. It has "
            "financial consequences, and disconnecting later cannot be undone: shared objects lose their "
            "mapping for good.",
        )
    )


def question(row: Mapping[str, str], environment: str | None = None) -> dict[str, str]:
    """
    Put a request as a question to a human.

    :param row: as for :func:`describe_request`.
    :param environment: as for :func:`describe_request`.
    :return: dict with ``connection_id``, ``source_entity_id``, ``subject`` and ``body``, ready for
        ``expand_kwargs`` of a task group. What comes from Zuora must stay plain text: give ``subject`` and
        ``body`` to the task as they are, not through Jinja, and not by ``expand_kwargs`` of an operator,
        whose values Airflow takes for Jinja templates.
    """
    source, target = (one_line(row[name], MAX_NAME) for name in ("source_name", "target_name"))
    return {
        "connection_id": row["connection_id"],
        "source_entity_id": row["source_entity_id"],
        "subject": f"Connect {source} to {target}?",
        "body": describe_request(row, environment),
    }
