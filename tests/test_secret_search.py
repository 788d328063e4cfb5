from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus, unquote

import pytest

from tests.helpers.secret_search import SecretSearch, awkward_secret

ID = "6f1c2a9e-0b7d-4e58-9c3f-5d2b8a417e60"
SECRETS = {"id": ID, "secret": awkward_secret(), "token": "0123456789abcdef0123456789abcdef"}


@pytest.mark.parametrize("around", ["{}", "x{}y", "Bearer {}\n", "{} {}", "a" * 500 + "{}"])
@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_is_found_in_any_encoding(kind, around):
    secret = SECRETS[kind]
    search = SecretSearch([secret])
    written = [secret, quote(secret), quote_plus(secret), unquote(secret), json.dumps(secret), repr(secret)]
    written += [html.escape(secret), secret[len(secret) // 2 :], secret[::-1]]
    for before in ("", "a", "ab", f"{ID}:"):
        basic = f"{before}{secret}:x".encode()
        written += [base64.b64encode(basic).decode(), base64.urlsafe_b64encode(basic).decode()]
    for text in written:
        assert search.finds(around.format(text, text)), text


def test_a_text_without_a_secret_has_none():
    assert SecretSearch(SECRETS.values()).finds("0123456789-6789abcdef " * 9 + "***") == []
