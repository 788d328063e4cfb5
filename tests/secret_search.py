"""Makes secrets that can be told, and finds them in any text, escaped, encoded, cut short or backwards."""

from __future__ import annotations

import base64
import re
import secrets
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from airflow_zuora.simulator import ZuoraSimulator

PIECE = 12  # characters by which a secret is known
_RUN = re.compile(rf"[A-Za-z0-9]{{{PIECE},}}")
_WORD = re.compile(rf"[A-Za-z0-9+/_-]{{{PIECE},}}")
_URL_SAFE = str.maketrans("+/", "-_")


def awkward_secret() -> str:
    """Make a secret whose middle is quoted in addresses, forms, JSON and HTML, and its two ends nowhere."""
    return f'{secrets.token_hex(7)}+/%2F &="<{secrets.token_hex(7)}'


def add_client(simulator: ZuoraSimulator, **fields: Any) -> None:
    """Give a simulator an OAuth client "marked", whose id and secret are nobody else's."""
    default = simulator.store.access.named("default")
    new = {"name": "marked", "id": str(uuid.uuid4()), "secret": awkward_secret(), **fields}
    simulator.store.access.add(replace(default, **new))


class SecretSearch:
    """
    Looks for secrets.

    :param values: the secrets. What is not a letter or a digit in them may change; runs of 12 that are
        neither are found.
    """

    def __init__(self, values: Iterable[str]) -> None:
        self._pieces = {piece for value in values for run in _RUN.findall(value) for piece in _pieces(run)}

    def finds(self, text: str) -> list[str]:
        """Give each secret that is there, with what stands around it."""
        words = {word for word in _WORD.findall(text) if self._has_piece(word)}
        return [text[max(text.index(word) - 80, 0) :][:240] for word in sorted(words)]

    def _has_piece(self, word: str) -> bool:
        return any(word[start : start + PIECE] in self._pieces for start in range(len(word) - PIECE + 1))


def _pieces(run: str) -> Iterator[str]:
    for text in (run, run[::-1]):
        yield text[:PIECE]
        yield text[-PIECE:]
    for shift in range(3):
        # Three characters stand for four; where a group begins depends on what stands before.
        encoded = base64.b64encode(b" " * shift + run.encode()).decode()[4 : 4 + PIECE]
        yield encoded
        yield encoded.translate(_URL_SAFE)
