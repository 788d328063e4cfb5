"""Every answer becomes a value or the error that fits, whatever shape Zuora gives it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_zuora.client.response import MAX_MESSAGE, next_page, parse_response, rows_of
from airflow_zuora.exceptions import (
    ZuoraApiError,
    ZuoraAuthError,
    ZuoraBusyError,
    ZuoraNotFoundError,
    ZuoraPermissionError,
    ZuoraRateLimitError,
    ZuoraRequestError,
    ZuoraResponseError,
    ZuoraRuleError,
    ZuoraServerError,
)

REQUEST_ID = "dd76fba7-330c-4b7f-ad08-bc42fa69bf3e"
BY_CATEGORY = {
    10: (403, ZuoraPermissionError),
    11: (401, ZuoraAuthError),
    20: (400, ZuoraRequestError),
    21: (400, ZuoraRequestError),
    22: (400, ZuoraRequestError),
    23: (400, ZuoraRequestError),
    27: (400, ZuoraRequestError),
    30: (400, ZuoraRuleError),
    40: (404, ZuoraNotFoundError),
    45: (415, ZuoraRequestError),
    50: (409, ZuoraBusyError),
    60: (500, ZuoraServerError),
    61: (500, ZuoraServerError),
    70: (429, ZuoraRateLimitError),
    90: (400, ZuoraRequestError),
    99: (500, ZuoraServerError),
}


def parse(status: int, payload: Any, **headers: str) -> dict[str, Any]:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return parse_response("GET https://rest.zuora.com/v1/x", status, names, body)


def error_of(status: int, payload: Any, **headers: str) -> ZuoraApiError:
    with pytest.raises(ZuoraApiError) as raised:
        parse(status, payload, **headers)
    assert type(raised.value) is not ZuoraApiError
    return raised.value


@pytest.mark.parametrize("category", sorted(BY_CATEGORY))
@pytest.mark.parametrize("code", [50000000, 58730000, 90000000], ids=["no payload", "resource", "nines"])
@pytest.mark.parametrize("write", [int, str], ids=["number", "text"])
@pytest.mark.parametrize("own_status", [True, False], ids=["own status", "HTTP 200"])
def test_a_category_is_the_same_error_with_its_status_and_with_200(category, code, write, own_status):
    status, kind = BY_CATEGORY[category] if own_status else (200, BY_CATEGORY[category][1])
    reasons = [{"code": write(code + category), "message": "Cannot  do\nthat."}]
    error = error_of(
        status,
        {"success": False, "processId": "8CF944C78E50988F", "reasons": reasons, "requestId": REQUEST_ID},
    )
    assert type(error) is kind
    assert (error.http_status, error.code, error.request_id) == (status, str(code + category), REQUEST_ID)
    assert error.reasons == ((str(code + category), "Cannot do that."),)
    for part in ("GET https://rest.zuora.com/v1/x", f"HTTP {status}", f"[{code + category}]", REQUEST_ID):
        assert part in str(error)


M = "No, not so."
SPRING = {"timestamp": 1, "status": 401, "error": "Unauthorized", "message": M, "path": "/oauth/token"}
GATEWAY_MESSAGES = {
    "Authentication error": (401, ZuoraAuthError),
    "Failed to get user info": (401, ZuoraBusyError),
    "No bearer token": (400, ZuoraRequestError),
    "request exceeded limit": (429, ZuoraRateLimitError),
    "Error - unrecognised fields": (400, ZuoraRequestError),
}


@pytest.mark.parametrize(
    ("payload", "status", "kind", "code"),
    [
        ({"Success": False, "Errors": [{"Code": "BAD", "Message": M}]}, 400, ZuoraRequestError, "BAD"),
        ({"FaultCode": "BAD", "FaultMessage": M}, 400, ZuoraRequestError, "BAD"),
        ({"faultcode": "fns:BAD", "faultstring": M}, 401, ZuoraAuthError, "fns:BAD"),
        ({"code": "ClientError", "message": M}, 400, ZuoraRequestError, "ClientError"),
        ({"code": 71013020, "message": M}, 400, ZuoraRequestError, "71013020"),
        ({"reasons": [{"code": 70, "message": M}]}, 429, ZuoraRateLimitError, "70"),
        (
            {"code": "REQUEST_EXCEEDED_LIMIT", "message": M},
            429,
            ZuoraRateLimitError,
            "REQUEST_EXCEEDED_LIMIT",
        ),
        (SPRING, 401, ZuoraAuthError, None),
        ({"Status": "x", "Message": M}, 401, ZuoraAuthError, None),
        ({"errors": [{"code": "x", "status": "404", "title": M}]}, 404, ZuoraNotFoundError, "x"),
        ({"error": {"code": 50000040, "message": M}}, 404, ZuoraNotFoundError, "50000040"),
        ({"errorMessage": M}, 503, ZuoraServerError, None),
        ({"code": "LOCK_COMPETITION", "message": M}, 400, ZuoraBusyError, "LOCK_COMPETITION"),
        ({"code": "TEMPORARY_ERROR", "message": M}, 400, ZuoraServerError, "TEMPORARY_ERROR"),
        ({"error": "bad", "error_description": M}, 401, ZuoraAuthError, "bad"),
        ({"code": 401, "error": "bad", "error_description": M}, 401, ZuoraAuthError, "bad"),
        ({"code": "AUTH-1", "error_description": M}, 401, ZuoraAuthError, "AUTH-1"),
        ({"error_description": M, "message": M}, 400, ZuoraRequestError, None),
        ({"errors": [], "reasons": [{}], "error": "bad", "error_description": M}, 401, ZuoraAuthError, "bad"),
        ({"reasons": [], "errors": [{"code": "x", "title": M}]}, 404, ZuoraNotFoundError, "x"),
        ({"reasons": [], "code": 50000050, "message": M}, 400, ZuoraBusyError, "50000050"),
    ],
)
def test_each_shape_of_an_error_is_read(payload, status, kind, code):
    error = error_of(status, payload)
    assert type(error) is kind
    assert (error.code, error.reasons, error.http_status) == (code, ((code, M),), status)
    assert M in str(error)


def test_a_message_beside_oauths_words_hides_neither():
    payload = {"message": "Unauthorized", "error": "invalid_client", "error_description": "Secret expired"}
    assert error_of(401, payload).reasons == (("invalid_client", "Unauthorized: Secret expired"),)


@pytest.mark.parametrize("message", GATEWAY_MESSAGES)
def test_the_gateways_messages_without_code_are_read(message):
    status, kind = GATEWAY_MESSAGES[message]
    error = error_of(status, {"message": message})
    assert (type(error), error.code, error.reasons) == (kind, None, ((None, message),))


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        ({"success": False}, ZuoraRequestError),
        ({"success": False, "reasons": []}, ZuoraRequestError),
        ({"success": False, "reasons": [None, 5, "x", {}]}, ZuoraRequestError),
        ({"Success": False, "Errors": [{"Code": "LOCK_COMPETITION", "Message": "m"}]}, ZuoraBusyError),
        ({"reasons": [{"code": 70, "message": "m"}]}, ZuoraRateLimitError),
        ({"FaultCode": "REQUEST_EXCEEDED_RATE"}, ZuoraRateLimitError),
        ({"success": True, "Success": False}, ZuoraRequestError),
        ({"success": "true", "Success": False}, ZuoraRequestError),
        ({"success": "false", "reasons": [{"code": 50000030, "message": "m"}]}, ZuoraRuleError),
    ],
)
def test_http_200_is_no_success_if_the_body_does_not_say_so(payload, kind):
    error = error_of(200, payload)
    assert (type(error), error.http_status) == (kind, 200)


@pytest.mark.parametrize("flag", ["true", "false", "", 1, 0, None, {}, [True]])
@pytest.mark.parametrize("more", [{}, {"Success": True}, {"message": "m"}, {"reasons": [{"message": "m"}]}])
def test_http_200_says_nothing_if_its_success_is_no_boolean(flag, more):
    with pytest.raises(ZuoraResponseError, match="neither true nor false") as raised:
        parse(200, {"success": flag, **more}, Zuora_Request_Id="r-1", Retry_After="7")
    assert (raised.value.request_id, raised.value.retry_after) == ("r-1", 7.0)


def test_a_reason_without_a_message_is_shown_by_its_code():
    reasons = [{"code": 50000030}, {"code": 50000040, "message": "m"}, {"message": "n"}]
    text = str(error_of(400, {"reasons": reasons}))
    assert "HTTP 400: [50000030]; [50000040] m; [no code] n (request id None)." in text


@pytest.mark.parametrize("status", [200, 201, 204, 299])
@pytest.mark.parametrize(
    "payload",
    [{"success": True}, {"Success": True}, {}, {"entities": []}, {"message": "hello"}, {"reasons": []}]
    + [{"success": True, "reasons": [{"code": 70}]}],
)
def test_an_answer_without_error_is_given_with_its_request_id(status, payload):
    assert parse(status, payload, Zuora_Request_Id="r-1") == {**payload, "requestId": "r-1"}
    assert parse(status, {**payload, "requestId": "own"}, Zuora_Request_Id="r-1")["requestId"] == "own"
    assert parse(status, payload)["requestId"] is None


def test_a_token_is_an_answer_to_a_request_for_a_token_only():
    body = b'{"access_token": "0123456789abcdef"}'
    assert parse_response("POST /oauth/token", 200, {}, body, is_token=True)["access_token"]
    with pytest.raises(ZuoraResponseError) as raised:
        parse(200, body)
    assert "0123456789abcdef" not in str(raised.value)


@pytest.mark.parametrize(
    ("codes", "status", "kind", "decides"),
    [
        (["58730050", "50000030"], 200, ZuoraRuleError, "50000030"),
        (["50000030", "58730050"], 409, ZuoraRuleError, "50000030"),
        (["58730050", "50000061"], 200, ZuoraServerError, "50000061"),
        (["50000070", "58730050"], 200, ZuoraBusyError, "58730050"),
        (["58730050", "50000011"], 200, ZuoraAuthError, "50000011"),
        (["58730050", "50000033"], 200, ZuoraRequestError, "50000033"),  # an unknown category is final
        (["50000010", "50000040"], 200, ZuoraPermissionError, "50000010"),
        ([None, "50000040"], 200, ZuoraNotFoundError, "50000040"),
        (["x", "50000050"], 409, ZuoraBusyError, "x"),
    ],
)
def test_of_several_reasons_the_one_that_helps_least_decides(codes, status, kind, decides):
    reasons = [{"code": code, "message": f"m{number}"} for number, code in enumerate(codes)]
    error = error_of(status, {"success": False, "reasons": reasons})
    assert (type(error), error.code) == (kind, decides)
    assert error.reasons == tuple((code, f"m{number}") for number, code in enumerate(codes))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"<html><h1>Service Unavailable</h1></html>",
        b'{"success": tru',
        b"[]",
        b"null",
        b"5",
        b'"x"',
    ]
    + [b"[" * 200_000, b"\xff\xfe\x00", b"\x1f\x8b", b"9" * 5000, b'[{"success": true}]'],
    ids=lambda body: repr(body[:12]),
)
@pytest.mark.parametrize("status", [200, 201, 299])
def test_http_2xx_without_a_json_object_is_not_zuoras_answer(body, status):
    with pytest.raises(
        ZuoraResponseError, match=f"HTTP {status} with {len(body)} bytes of text/html"
    ) as raised:
        parse(status, body, Content_Type="text/html", Zuora_Request_Id="r-1", Retry_After="7")
    assert (raised.value.request_id, raised.value.retry_after) == ("r-1", 7.0)
    assert str(raised.value).endswith("any proxy in between. Zuora asks to wait 7 seconds.")


@pytest.mark.parametrize("status", [100, 102, 103, 199])
@pytest.mark.parametrize("body", [b"", b"{}", b'{"success": true}'])
def test_an_interim_answer_says_nothing_about_the_outcome(status, body):
    with pytest.raises(ZuoraResponseError, match=f"answered HTTP {status}"):
        parse(status, body)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, ZuoraRequestError), (401, ZuoraAuthError), (403, ZuoraPermissionError), (404, ZuoraNotFoundError)]
    + [(405, ZuoraRequestError), (408, ZuoraServerError), (409, ZuoraBusyError), (414, ZuoraRequestError)]
    + [
        (422, ZuoraRequestError),
        (429, ZuoraRateLimitError),
        (500, ZuoraServerError),
        (501, ZuoraRequestError),
    ]
    + [(502, ZuoraServerError), (503, ZuoraServerError), (504, ZuoraServerError)]
    + [(505, ZuoraRequestError), (520, ZuoraServerError), (599, ZuoraServerError)]
    + [(304, ZuoraRequestError), (600, ZuoraRequestError)],
)
@pytest.mark.parametrize(
    "body",
    [b"", b"<h1>403 Forbidden</h1>", b"[]", b"{}", b'{"success": tru', b'{"success": true}', b"[" * 200_000]
    + [b'{"reasons": [{"code": 50000033, "message": "unknown category"}]}'],
    ids=lambda body: repr(body[:12]),
)
def test_without_a_known_code_the_status_decides_and_is_never_success(status, kind, body):
    error = error_of(status, body, Zuora_Request_Id="r-1")
    assert (type(error), error.http_status, error.request_id) == (kind, status, "r-1")
    assert "r-1" in str(error)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://login.example.com/?x=secret", "login.example.com"),
        ("/x", "the same host"),
        ("http://[", "an invalid address"),
    ],
)
def test_a_redirect_says_where_it_leads_and_no_more(status, location, shown):
    error = error_of(status, b"", Location=location)
    assert type(error) is ZuoraRequestError
    assert shown in str(error)
    assert "Redirects are not followed" in str(error)
    assert "secret" not in str(error)


def test_a_bad_entity_is_explained():
    error = error_of(400, {"success": False, "reasons": [{"code": 90000020, "message": "m"}]})
    assert "check entity_id" in str(error)


def test_a_refusal_of_the_token_or_the_permission_says_what_to_do():
    assert "OAuth client still exists" in str(error_of(401, b""))
    assert "API Write Access" in str(error_of(403, b""))
    assert "right environment" in str(error_of(404, b""))


@pytest.mark.parametrize("category", sorted(BY_CATEGORY))
def test_every_error_says_what_to_do(category):
    status, _ = BY_CATEGORY[category]
    error = error_of(status, {"success": False, "reasons": [{"code": 50000000 + category, "message": "m"}]})
    assert len(str(error).partition(f"(request id {error.request_id}).")[2]) > 20


def test_a_long_message_is_cut_and_put_on_one_line():
    error = error_of(400, {"message": "a\r\n" * 100_000, "requestId": "b\n" * 100_000})
    assert len(str(error)) < 3 * MAX_MESSAGE
    assert len(str(error).splitlines()) == 1


def test_a_wrong_kind_of_code_or_message_says_nothing():
    error = error_of(400, {"code": {"a": 1}, "message": ["x"], "requestId": [], "reasons": "x"})
    assert (error.code, error.reasons, error.request_id) == (None, (), None)
    assert "no reason given" in str(error)


@pytest.mark.parametrize("words", [{"error": "x"}, {"error_description": "x"}, {"message": "x"}])
def test_a_token_answer_without_a_token_is_an_error_in_its_own_words(words):
    for payload in (words, {**words, "access_token": None}):
        with pytest.raises(ZuoraRequestError, match="x"):
            parse_response("POST /oauth/token", 200, {}, json.dumps(payload).encode(), is_token=True)
    body = json.dumps({**words, "success": True, "access_token": "0123456789abcdef"}).encode()
    assert parse_response("POST /oauth/token", 200, {}, body, is_token=True)["access_token"]


def test_the_rows_of_a_list_are_returned():
    assert rows_of({"entities": [1, 2], "requestId": "r-1"}, "entities") == [1, 2]


@pytest.mark.parametrize("payload", [{}, {"entities": None}, {"entities": {}}, {"entities": "x"}])
def test_an_answer_without_the_list_is_refused_with_its_request_id(payload):
    with pytest.raises(ZuoraResponseError, match=r"entities .*r-1"):
        rows_of({**payload, "requestId": "r-1"}, "entities")


@pytest.mark.parametrize("payload", [{}, {"nextPage": None}, {"nextPage": ""}])
def test_the_last_page_names_no_next_one(payload):
    assert next_page(payload) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://rest.zuora.com/v1/x?page=2&pageSize=300",
        "/x?page=2&pageSize=300",
        "https://evil/?page=2&pageSize=300",
    ]
    + ["?page=2&pageSize=300#top"],
)
def test_only_the_query_of_the_next_page_is_used(url):
    assert next_page({"nextPage": url}) == {"page": "2", "pageSize": "300"}


@pytest.mark.parametrize("url", ["https://rest.zuora.com/v1/x", "/x?", "http://[?page=2", 5, True])
def test_a_next_page_without_a_query_is_refused(url):
    with pytest.raises(ZuoraResponseError, match="nextPage"):
        next_page({"nextPage": url})


@pytest.mark.parametrize(("status", "seconds"), [(409, 77), (429, 600), (503, 9)])
def test_an_error_carries_the_wait_that_zuora_asks_for(status, seconds):
    error = error_of(status, b"", Retry_After=str(seconds))
    assert error.retry_after == seconds
    assert f"wait {seconds} seconds" in str(error)
    assert error_of(status, b"").retry_after is None


def test_a_rate_limit_in_the_body_only_carries_its_wait_too():
    error = error_of(200, {"reasons": [{"code": 70}]}, RateLimit_Remaining="0", RateLimit_Reset="45")
    assert error.retry_after == 45
