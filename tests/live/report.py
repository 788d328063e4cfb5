"""The report on a tenant: what was found, without its ids, names and secrets."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from airflow_zuora.exceptions import ZuoraApiError, ZuoraError

# Ids by their looks: UUIDs, and long words with a digit.
_ID = re.compile(r"\b[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b|\b(?=\w*[0-9])[0-9a-zA-Z]{15,}\b")
_MAIL = re.compile(r"[^\s@'\"]+@[^\s@'\"]+")
_ADDRESS = re.compile(r"https?://[^\s/|]+")
# What else in a message may belong to the tenant: quoted text, users, names with a point, numbers.
_QUOTED = re.compile(r"(?<!\w)(['\"“‘]).*?['\"”’](?!\w)")
_USER = re.compile(r"\b(user(?:name)?)\b[\s:=]+(?!<)\S+", re.IGNORECASE)
_POINTED = re.compile(r"[\w-]+(?:\.[\w-]+)+")
_NUMBER = re.compile(r"\d+")
# Fields whose values are shown if they cannot be the tenant's: numbers, and the words that everybody gets.
_SHOWN = ("code", "status", "error", "success", "token_type", "expires_in")
_CODE = re.compile(r"[0-9]{1,9}")
_WORDS = {
    *("Pending", "Connected", "Disconnected", "Provisioned", "Unprovisioned", "bearer", "Bearer"),
    *("invalid_client", "invalid_grant", "invalid_request", "unauthorized_client"),
    *(status.phrase for status in HTTPStatus),
}
_MESSAGES = ("message", "title")
MAX_MESSAGE = 200  # characters

BY_READING = "not answered: the check failed, or nothing in this tenant shows it"
BY_A_CHANGE = "not answerable by reading: it takes a change"
# What only a live tenant can settle, with the answer where reading does not give one.
UNKNOWNS: dict[str, str] = {
    "Accepting a Connected connection again": BY_A_CHANGE,
    "Accepting after a denial": BY_A_CHANGE,
    "Requesting again after a denial or a disconnection": BY_A_CHANGE,
    "Status after a denial": BY_A_CHANGE,
    "Error codes of the five operations": BY_READING,
    "Default of the entity header": BY_READING,
    "Formats of the entity header": BY_READING,
    "Shape of nextPage": BY_READING,
    "Whether a PUT without a body gets HTTP 415": BY_A_CHANGE,
    "HTTP status of 90000020": BY_READING,
    "Effect of Zuora-Entity-Ids on the token's scope": BY_READING,
    "Body for a wrong Client Secret": "not asked: a failed login may alarm somebody, or lock the client",
    "Whether Pending requests expire": "not answerable at one time: look again after some weeks",
    "Whether Pending requests notify anyone": "not answerable by the API: ask an administrator of the target",
}


@dataclass
class Report:
    """
    What was found out about a tenant.

    :ivar found: Results, by what was checked.
    :ivar answers: Answers to :data:`UNKNOWNS`.
    :ivar failed: What could not be checked, and why.
    :ivar hidden: Texts that must not be shown, in lower case, with what stands in for them.
    :ivar knows_names: Whether the names of the entities are among them. Until then, no message is shown.
    """

    found: dict[str, str] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    hidden: dict[str, str] = field(default_factory=dict)
    knows_names: bool = False

    def hide(self, kind: str, *texts: Any) -> None:
        """Note texts that must not be shown, such as names; what is not a text, or empty, is ignored."""
        self.hidden.update((text.lower(), f"<{kind}>") for text in texts if text and isinstance(text, str))

    def clean(self, text: str) -> str:
        """Replace everything in a text that belongs to the tenant, by what is known and by its looks."""
        if self.hidden:
            longest_first = sorted(self.hidden, key=len, reverse=True)
            known = rf"(?<!\w)({'|'.join(map(re.escape, longest_first))})(?!\w)"
            text = re.sub(
                known, lambda found: self.hidden.get(found[1].lower(), "<name>"), text, flags=re.IGNORECASE
            )
        for pattern, stand_in in ((_MAIL, "<mail>"), (_ADDRESS, "<address>"), (_ID, "<id>")):
            text = pattern.sub(stand_in, text)
        return text

    def message(self, text: str) -> str:
        """Clean a text that Zuora wrote, or leave it out as long as the names are unknown."""
        if not self.knows_names:
            return f"<text of {len(text)}>"
        text = _QUOTED.sub("<quoted>", self.clean(text))
        text = _USER.sub(r"\1 <name>", text)
        return _NUMBER.sub("<number>", _POINTED.sub("<name>", text))[:MAX_MESSAGE]

    def word(self, value: Any) -> str:
        """Show a code or a status, unless it is a word that may be the tenant's own."""
        is_public = value in _WORDS or _CODE.fullmatch(value) if isinstance(value, str) else True
        return str(value) if is_public else self.message(value)

    def fail(self, check: str, error: Exception) -> None:
        """
        Note a check that failed.

        :param check: What was checked.
        :param error: Only the text of an error of this package is shown, which may quote Zuora.
        """
        told = type(error).__name__
        if isinstance(error, ZuoraApiError):
            told += f", HTTP {error.http_status}, code {self.word(error.code)}"
        if isinstance(error, ZuoraError):
            told += f": {self.message(str(error))}"
        self.failed.append(f"{check}: {told}")

    def shape(self, value: Any, name: str = "") -> str:
        """Describe a JSON value by its fields and types; only codes and messages show what they contain."""
        if isinstance(value, dict):
            fields = (
                f"{json.dumps(self.clean(key))}: {self.shape(item, key)}" for key, item in value.items()
            )
            return f"{{{', '.join(fields)}}}"
        if isinstance(value, list):
            return f"[{self.shape(value[0])}{', ...' if value[1:] else ''}]" if value else "[]"
        if isinstance(value, str):
            if name in _SHOWN:
                return json.dumps(self.word(value))
            return json.dumps(self.message(value)) if name.lower() in _MESSAGES else f"<text of {len(value)}>"
        if value is None or isinstance(value, bool) or name in _SHOWN:
            return json.dumps(value)
        return f"<{type(value).__name__}>"

    def markdown(self) -> str:
        """Write the report."""
        lines = [
            "# What a Zuora tenant answers",
            "",
            "Ids, names and secrets are left out; numbers are counts.",
            *self._table("checked", "found", self.found),
            "## Unknowns",
            *self._table(
                "unknown", "answer", {what: self.answers.get(what, UNKNOWNS[what]) for what in UNKNOWNS}
            ),
        ]
        if self.failed:
            lines += ["## Failed", "", *(f"- {self.clean(one)}" for one in self.failed)]
        if not self.knows_names:
            lines += ["", "Messages are left out, because the names that they may contain could not be read."]
        return "\n".join(lines)

    def _table(self, left: str, right: str, rows: dict[str, str]) -> list[str]:
        cells = (
            (what, self.clean(text).replace("|", "\\|").replace("\n", " ")) for what, text in rows.items()
        )
        return [
            "",
            f"| {left} | {right} |",
            "|---|---|",
            *(f"| {what} | {text} |" for what, text in cells),
            "",
        ]
