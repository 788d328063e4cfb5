"""Secrets that are unmistakable, and a search for them in any text: escaped, encoded, cut or reversed."""

from __future__ import annotations

import base64
import re
import secrets
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from airflow_zuora.simulator import ZuoraSimulator

PIECE = 12  # characters by which a secret is recognized
_RUN = re.compile(rf"[A-Za-z0-9]{{{PIECE},}}")
_WORD = re.compile(rf"[A-Za-z0-9+/_-]{{{PIECE},}}")
_URL_SAFE = str.maketrans("+/", "-_")


def awkward_secret() -> str:
    """Make a secret whose middle is escaped in URLs, forms, JSON and HTML, and whose ends never are."""
    return f'{secrets.token_hex(7)}+/%2F &="<{secrets.token_hex(7)}'


def add_client(simulator: ZuoraSimulator, **fields: Any) -> None:
    """Add an OAuth client "marked" to a simulator, whose id and secret are found nowhere else."""
    default = simulator.store.access.named("default")
    new = {"name": "marked", "id": str(uuid.uuid4()), "secret": awkward_secret(), **fields}
    simulator.store.access.add(replace(default, **new))


class SecretSearch:
    """
    Looks for secrets.

    :param values: The secrets; they are recognized by runs of 12 letters and digits, as other characters may
        be escaped.
    """

    def __init__(self, values: Iterable[str]) -> None:
        self._pieces = {piece for value in values for run in _RUN.findall(value) for piece in _pieces(run)}

    def finds(self, text: str) -> list[str]:
        """Return each secret that is found, with the text around it."""
        words = {word for word in _WORD.findall(text) if self._has_piece(word)}
        return [text[max(text.index(word) - 80, 0) :][:240] for word in sorted(words)]

    def _has_piece(self, word: str) -> bool:
        return any(word[start : start + PIECE] in self._pieces for start in range(len(word) - PIECE + 1))


def _pieces(run: str) -> Iterator[str]:
    for text in (run, run[::-1]):
        yield text[:PIECE]
        yield text[-PIECE:]
    for shift in range(3):
        # Base64 turns three characters into four; where a group begins depends on the text before.
        encoded = base64.b64encode(b" " * shift + run.encode()).decode()[4 : 4 + PIECE]
        yield encoded
        yield encoded.translate(_URL_SAFE)
