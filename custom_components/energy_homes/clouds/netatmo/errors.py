"""What the Netatmo cloud's errors mean. Pure.

The vendor's own code decides, then the HTTP status: a 403 alone may be an expired token, a
missing right, a quota or a firewall, and only the first two have to do with credentials.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Any, Final, override

import orjson

from ..errors import (
    CloudAuthError,
    CloudBusyError,
    CloudError,
    CloudNonsenseError,
    CloudOutageError,
    CloudQuotaError,
    CloudRequestError,
)

NOTHING_TO_MODIFY: Final = 7
"""The code for what is already so."""

_EXPIRED: Final = frozenset({1, 2, 3})
_CREDENTIALS: Final = frozenset({5, 22, 23, 30})
_CONCURRENCY: Final = 11
_TRANSIENT: Final = frozenset({19})
_QUOTA: Final = frozenset({26, 28, 29})
_OUR_MISTAKE: Final = frozenset({31, 40})
_QUOTA_WORDS: Final = frozenset({"too_many_connections", "too_many_requests"})
_CREDENTIAL_WORDS: Final = frozenset(
    {"invalid_grant", "invalid_client", "access_denied", "unauthorized_client"}
)
_NOT_JSON: Final = object()
_LONGEST_MESSAGE: Final = 200
_MODULE_UNREACHABLE: Final = 6
_MODULE_PROBLEMS: Final = {
    1: "unknown problem",
    2: "internal problem",
    3: "parser problem",
    4: "command unknown to the module",
    5: "bad parameters",
    _MODULE_UNREACHABLE: "module unreachable",
}


class Refusal(StrEnum):
    """Why the cloud refuses what it understood."""

    NOT_FOUND = "not_found"
    INVALID = "invalid"
    FORBIDDEN = "forbidden"
    SCOPE = "scope"
    UNREACHABLE = "unreachable"
    OTHER = "other"


_REFUSALS: Final = {
    9: Refusal.NOT_FOUND,
    10: Refusal.INVALID,
    13: Refusal.FORBIDDEN,
    21: Refusal.INVALID,
    25: Refusal.INVALID,
    41: Refusal.UNREACHABLE,
}


class CloudRefusedError(CloudRequestError):
    """The cloud understood the request and refuses it: trying again does not help.

    `code` and `vendor_message` are the vendor's own, for people and logs.
    """

    def __init__(
        self,
        message: str,
        *,
        code: int | None,
        vendor_message: str,
        reason: Refusal = Refusal.OTHER,
    ) -> None:
        """Store what the vendor says."""
        super().__init__(message)
        self.code = code
        self.vendor_message = vendor_message
        self.reason = reason

    @property
    @override
    def for_people(self) -> str:
        """Return the vendor's words, else its code."""
        return self.vendor_message or f"code {self.code}"


class CloudTokenExpiredError(CloudAuthError):
    """The access token is not taken (any more).

    A client raises it only where a token that was refreshed just now is not taken either.
    """


def check_reply(
    method: str, status: int, body: bytes, wait: timedelta | None = None
) -> dict[str, Any]:
    """Return the JSON object of a reply that reports no error.

    `status` is HTTP's, `wait` what the reply asks to wait. Raises CloudError by kind.
    """
    reply = _json(body)
    failure = _told(method, status, reply, wait) or _status_error(method, status, wait)
    if failure is not None:
        raise failure
    if reply is _NOT_JSON:
        raise CloudOutageError(f"{method}: no JSON in the reply")
    if not isinstance(reply, dict):
        raise CloudNonsenseError(f"{method}: reply is not an object")
    return reply


def check_token_reply(
    status: int, body: bytes, wait: timedelta | None = None
) -> dict[str, Any]:
    """Return the JSON object of the token endpoint's reply that reports no error.

    Raises CloudAuthError only where the refresh token or the application is refused in the
    vendor's own words, never for a quota or an outage.
    """
    failure = _told("token", status, _json(body), wait)
    if isinstance(failure, CloudTokenExpiredError):
        raise CloudAuthError(str(failure))
    if failure is None and status == 401:
        failure = CloudOutageError("token: HTTP status 401")
    if failure is not None:
        raise failure
    return check_reply("token", status, body, wait)


def module_problem(code: int) -> str:
    """Return what a problem of a module is, by the number space of homestatus."""
    return _MODULE_PROBLEMS.get(code, f"problem {code}")


def module_refusal(method: str, code: int) -> CloudRefusedError:
    """Return the refusal that a module's problem is to a command."""
    problem = module_problem(code)
    unreachable = code == _MODULE_UNREACHABLE
    return CloudRefusedError(
        f"{method}: {problem}",
        code=code,
        vendor_message=problem,
        reason=Refusal.UNREACHABLE if unreachable else Refusal.OTHER,
    )


def _json(body: bytes) -> Any:
    """Return what a reply says; _NOT_JSON where it is none."""
    try:
        return orjson.loads(body) if body.strip() else _NOT_JSON
    except orjson.JSONDecodeError:
        return _NOT_JSON


def _told(
    method: str, status: int, reply: Any, wait: timedelta | None
) -> CloudError | None:
    """Return what a reply says itself, None where it reports no error."""
    error = reply.get("error") if isinstance(reply, dict) else None
    if not error or status >= 500:
        return None
    if isinstance(error, str):
        if error in _QUOTA_WORDS:
            return CloudQuotaError(f"{method}: too many connections", wait)
        if error in _CREDENTIAL_WORDS:
            return CloudAuthError(f"{method}: {error}")
        return None
    code, message = _code_and_message(error)
    return None if code is None else _by_code(method, status, code, message, wait)


def _by_code(
    method: str, status: int, code: int, message: str, wait: timedelta | None
) -> CloudError | None:
    """Return what the vendor's code means; None where only the HTTP status can say it."""
    said = f"{method}: {message or 'refused'} (code {code})"
    if code in _EXPIRED:
        return CloudTokenExpiredError(said)
    if code in _CREDENTIALS:
        return CloudAuthError(said)
    if code == _CONCURRENCY:
        return CloudBusyError(said)
    if code in _TRANSIENT:
        return CloudOutageError(said)
    if code in _QUOTA:
        return CloudQuotaError(said, wait)
    if code in _OUR_MISTAKE:
        return CloudRequestError(said)
    reason = _REFUSALS.get(code)
    if reason is None and status in {401, 429}:
        return None
    if reason is Refusal.FORBIDDEN and "scope" in message.lower():
        reason = Refusal.SCOPE
    return CloudRefusedError(
        said, code=code, vendor_message=message, reason=reason or Refusal.OTHER
    )


def _status_error(
    method: str, status: int, wait: timedelta | None
) -> CloudError | None:
    """Return what an HTTP status says where the body says nothing."""
    said = f"{method}: HTTP status {status}"
    if status < 300:
        return None
    if status == 401:
        return CloudTokenExpiredError(said)
    if status == 429:
        return CloudQuotaError(said, wait)
    return CloudOutageError(said)


def _code_and_message(error: Any) -> tuple[int | None, str]:
    """Return the number and the words of an error object."""
    if not isinstance(error, dict):
        return None, ""
    try:
        code = int(error["code"])
    except KeyError, TypeError, ValueError, OverflowError:
        return None, ""
    message = error.get("message")
    words = " ".join(message.split()) if isinstance(message, str) else ""
    return code, words[:_LONGEST_MESSAGE]
