"""Make untrusted text safe to show in errors, log lines and questions. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_NAME = 255  # characters; Zuora's limit for the name of an entity
MAX_LISTED = 20  # items in an error


def shorten(value: object) -> str:
    """
    Show a wrong value in an error message.

    :param value: The value, of any type.
    :return: Its ``repr()``, cut to at most 80 characters.
    """
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer with too many digits, lists that are nested too deeply
        text = f"<{type(value).__name__}>"
    return text if len(text) <= 80 else f"{text[:60]}... ({len(text)} characters)"


def one_line(text: str, limit: int = MAX_NAME) -> str:
    """
    Make text from outside safe to show on one line.

    A line break can forge a log line, an escape sequence can control a terminal, and a character that is
    invisible or reverses the direction of writing can make one name look like another. Such characters are
    shown by their codes; visible characters of any script stay as they are.

    :param text: The text, such as a name that somebody typed in Zuora.
    :param limit: Maximum length in characters, default 255; a longer text is cut and ends with ``...``.
    """
    words = " ".join(text[: 4 * limit].split())
    line = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in words)
    return line if len(line) <= limit else f"{line[: limit - 3]}..."


def listed(items: Sequence[str]) -> str:
    """List the first 20 of several things in an error message, and say how many more there are."""
    shown = "; ".join(items[:MAX_LISTED])
    return f"{shown}; and {len(items) - MAX_LISTED} more" if items[MAX_LISTED:] else shown


def forms_of(secret: str) -> list[str]:
    """Return a secret as it can appear in a log: unchanged, and URL-encoded."""
    return list(dict.fromkeys((secret, quote_plus(secret), quote(secret), quote(secret, safe=""))))
