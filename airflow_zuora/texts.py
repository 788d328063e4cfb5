"""How what somebody else wrote is shown in errors, log lines and questions. No I/O."""

from __future__ import annotations

MAX_NAME = 255  # Zuora's own limit for the name of an entity


def shorten(value: object) -> str:
    """Show a wrong value in an error: quoted, on one line, and not longer than 80 characters."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of too many digits, lists too deep in each other
        text = f"<{type(value).__name__}>"
    return text if len(text) <= 80 else f"{text[:60]}... ({len(text)} characters)"


def one_line(text: str, limit: int = MAX_NAME) -> str:
    """
    Make what somebody else wrote fit for a log line and for the eyes of who decides.

    A line break forges a log line, an escape sequence steers a terminal, and a character that is invisible
    or turns the direction of writing makes one name look like another: such characters are shown by their
    codes. What can be seen stays, in any script.

    :param limit: length at which it is cut.
    """
    words = " ".join(text[: 4 * limit].split())
    line = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in words)
    return line if len(line) <= limit else f"{line[: limit - 3]}..."
