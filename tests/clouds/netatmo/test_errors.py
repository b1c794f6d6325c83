"""Every error that the Netatmo cloud was seen to answer with is of one kind."""

from datetime import timedelta
from functools import partial
import json

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_homes.clouds.errors import (
    CloudAuthError,
    CloudBusyError,
    CloudError,
    CloudNonsenseError,
    CloudOutageError,
    CloudQuotaError,
    CloudRequestError,
)
from custom_components.energy_homes.clouds.netatmo.errors import (
    CloudRefusedError,
    CloudTokenExpiredError,
    Refusal,
    check_reply,
    check_token_reply,
    module_problem,
    module_refusal,
)

WAIT = timedelta(seconds=30)


def body(code: object, message: object = "words of the vendor") -> bytes:
    """Return an error as the vendor writes it."""
    return json.dumps({"error": {"code": code, "message": message}}).encode()


def failure(status: int, reply: bytes) -> CloudError:
    """Return what a reply raises."""
    with pytest.raises(CloudError) as caught:
        check_reply("homestatus", status, reply, WAIT)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert str(caught.value).startswith("homestatus: ")
    return caught.value


@pytest.mark.parametrize(
    ("status", "reply", "kind"),
    [
        (401, body(1), CloudTokenExpiredError),
        (403, body(2), CloudTokenExpiredError),
        (403, body(3), CloudTokenExpiredError),
        (401, b"", CloudTokenExpiredError),
        (401, body(999), CloudTokenExpiredError),
        (403, body(5), CloudAuthError),
        (400, body(30), CloudAuthError),
        (400, b'{"error":"invalid_grant"}', CloudAuthError),
        (400, b'{"error":"invalid_client"}', CloudAuthError),
        (404, body(9), CloudRefusedError),
        (400, body(9), CloudRefusedError),
        (400, body(10), CloudRefusedError),
        (403, body(13), CloudRefusedError),
        (400, body(21), CloudRefusedError),
        (400, body("21"), CloudRefusedError),
        (400, body(25), CloudRefusedError),
        (400, body(35), CloudRefusedError),
        (200, body(41), CloudRefusedError),
        (400, body(999), CloudRefusedError),
        (404, body(31), CloudRequestError),
        (400, body(40), CloudRequestError),
        (403, body(26), CloudQuotaError),
        (429, body(26), CloudQuotaError),
        (429, body(28), CloudQuotaError),
        (429, body(999), CloudQuotaError),
        (429, b"", CloudQuotaError),
        (429, b"<html>slow down</html>", CloudQuotaError),
        (400, b'{"error":"too_many_connections"}', CloudQuotaError),
        (403, b'{"error":"too_many_connections"}', CloudQuotaError),
        (429, body(11), CloudBusyError),
        (500, body(11), CloudOutageError),
        (403, b"", CloudOutageError),
        (403, b"<html>firewall</html>", CloudOutageError),
        (403, b"[]", CloudOutageError),
        (400, b'{"error":"something new"}', CloudOutageError),
        (400, b'{"error":{"code":"none"}}', CloudOutageError),
        (400, b'{"error":{"message":"no code"}}', CloudOutageError),
        (400, b'{"error":[1]}', CloudOutageError),
        (406, b"", CloudOutageError),
        (302, b"", CloudOutageError),
        (500, b"", CloudOutageError),
        (502, b"<html>Bad Gateway</html>", CloudOutageError),
        (503, body(3), CloudOutageError),
        (503, b'{"error":"invalid_grant"}', CloudOutageError),
        (200, b"", CloudOutageError),
        (200, b" \n", CloudOutageError),
        (200, b"<html>maintenance</html>", CloudOutageError),
        (200, b'{"status":"ok"', CloudOutageError),
        (200, b"[]", CloudNonsenseError),
        (200, b"null", CloudNonsenseError),
    ],
)
def test_each_error_is_of_one_kind(
    status: int, reply: bytes, kind: type[CloudError]
) -> None:
    """The vendor's code decides, then the status; quota is never the token's fault."""
    assert type(failure(status, reply)) is kind


@pytest.mark.parametrize(
    ("code", "message", "reason"),
    [
        (9, "Device not found", Refusal.NOT_FOUND),
        (10, "mode is missing", Refusal.INVALID),
        (13, "Application does not have the good scope rights", Refusal.SCOPE),
        (13, "Couldn't apply setpoint", Refusal.FORBIDDEN),
        (21, "Endtime in the past", Refusal.INVALID),
        (41, "Device unreachable", Refusal.UNREACHABLE),
        (36, "Prohibited string", Refusal.OTHER),
    ],
)
def test_a_refusal_says_what_the_vendor_says(
    code: int, message: str, reason: Refusal
) -> None:
    """Code and words of the vendor come along, and why it is in ours."""
    refused = failure(400, body(code, message))
    assert isinstance(refused, CloudRefusedError)
    assert (refused.code, refused.vendor_message) == (code, message)
    assert refused.reason is reason
    assert message in str(refused)


@pytest.mark.parametrize(
    ("status", "reply", "said"),
    [
        (502, b"<html>Bad Gateway</html>", "HTTP status 502"),
        (200, b"<html>maintenance</html>", "no JSON"),
        (429, body(11, "concurrency limited section"), "concurrency limited section"),
    ],
)
def test_an_outage_says_what_is_known(status: int, reply: bytes, said: str) -> None:
    """The vendor's own words, or what came in place of them."""
    assert said in str(failure(status, reply))


def test_words_that_are_none() -> None:
    """What is no text, or a long one, does not get into logs as it is."""
    for message in (None, 7, ["x"]):
        refused = failure(400, body(21, message))
        assert isinstance(refused, CloudRefusedError)
        assert refused.vendor_message == ""
    refused = failure(400, body(21, "line\n" * 1000))
    assert isinstance(refused, CloudRefusedError)
    assert "\n" not in str(refused)
    assert len(refused.vendor_message) == 200


def test_how_long_to_wait() -> None:
    """What the vendor asks to wait is passed on with a quota."""
    for status, reply in (
        (429, b""),
        (403, body(26)),
        (403, b'{"error":"too_many_connections"}'),
    ):
        quota = failure(status, reply)
        assert isinstance(quota, CloudQuotaError)
        assert quota.retry_after == WAIT


@pytest.mark.parametrize("reply", [b"{}", b'{"status":"ok"}', b'{"error":null}'])
def test_what_is_no_error(reply: bytes) -> None:
    """A reply that reports no error is left alone."""
    assert check_reply("homestatus", 200, reply) == json.loads(reply)


@pytest.mark.parametrize(
    ("status", "reply", "kind"),
    [
        (400, b'{"error":"invalid_grant"}', CloudAuthError),
        (400, b'{"error":"invalid_client"}', CloudAuthError),
        (400, body(30), CloudAuthError),
        (401, body(2), CloudAuthError),
        (403, body(26), CloudQuotaError),
        (429, body(26), CloudQuotaError),
        (429, b"", CloudQuotaError),
        (400, b'{"error":"too_many_connections"}', CloudQuotaError),
        (403, b"", CloudOutageError),
        (401, b"", CloudOutageError),
        (401, b"<html></html>", CloudOutageError),
        (400, b'{"error":"something new"}', CloudOutageError),
        (500, b'{"error":"invalid_grant"}', CloudOutageError),
        (502, b"<html></html>", CloudOutageError),
        (200, b"", CloudOutageError),
    ],
)
def test_the_token_endpoint(status: int, reply: bytes, kind: type[CloudError]) -> None:
    """Only a refusal in the vendor's own words is one of the credentials."""
    with pytest.raises(CloudError) as caught:
        check_token_reply(status, reply, WAIT)
    assert type(caught.value) is kind
    assert caught.value.__context__ is None


def test_a_token() -> None:
    """A token's reply is passed on."""
    assert check_token_reply(200, b'{"access_token":"a"}') == {"access_token": "a"}


def test_problems_of_modules() -> None:
    """Their numbers are not those of errors."""
    refused = module_refusal("setstate", 6)
    assert (refused.code, refused.reason) == (6, Refusal.UNREACHABLE)
    assert refused.vendor_message == "module unreachable"
    assert module_refusal("setstate", 5).reason is Refusal.OTHER
    assert module_problem(99) == "problem 99"


@given(st.integers(200, 599), st.binary(max_size=60) | st.builds(body, st.integers()))
def test_any_reply_is_read_or_refused_by_kind(status: int, reply: bytes) -> None:
    """No reply whatever brings up anything but a kind of CloudError."""
    for check in (partial(check_reply, "homestatus"), check_token_reply):
        try:
            found = check(status, reply)
        except CloudError:
            continue
        assert isinstance(found, dict)
        assert status < 300
