"""Names of entities that are harmless only as long as they stay plain text."""

from __future__ import annotations

LONG = "Acme " + "x" * 4000
# The name, and what a reader sees of it in the subject of a question.
IN_SUBJECT = {
    "{{ var.value.x }}\r\n{% raw %} \u202e{{ conn.zuora_default.password }} {# {{ 1 / 0 }}": (
        "{{ var.value.x }} {% raw %} \\u202e{{ conn.zuora_default.password }} {# {{ 1 / 0 }}"
    ),
    "<img src=x onerror=alert(1)> [click](javascript:alert(1)) | a | b | **b** `c` http://evil.example": (
        "<img src=x onerror=alert(1)> [click](javascript:alert(1)) | a | b | **b** `c` http://evil.example"
    ),
    LONG: f"{LONG[:97]}...",
}
IN_TEXT = {**IN_SUBJECT, LONG: f"{LONG[:252]}..."}
NAMES = tuple(IN_SUBJECT)
