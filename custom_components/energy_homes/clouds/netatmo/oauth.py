"""The Netatmo cloud's token endpoint."""

from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

import aiohttp

from ..errors import CloudNonsenseError
from ..exchange import exchange
from ..retry_after import retry_after
from .errors import check_token_reply

AUTHORIZE_PATH: Final = "/oauth2/authorize"
TOKEN_PATH: Final = "/oauth2/token"
SCOPES: Final = ("read_thermostat", "write_thermostat")
"""What reading and driving the heating needs."""

_SECRETS: Final = ("client_secret", "code", "refresh_token")


async def request_token(
    session: aiohttp.ClientSession,
    token_url: str,
    form: Mapping[str, str],
    *,
    now_s: float,
    timeout_s: float = 30,
) -> dict[str, Any]:
    """Return the tokens that the endpoint gives for a code or for a refresh token.

    The dict has `access_token`, `refresh_token`, `expires_in` (s), `expires_at` (epoch s of
    our own clock, which reads `now_s`) and `scope` where the vendor tells it. A refresh
    token that the vendor does not replace stays. Raises CloudError by kind, CloudAuthError
    only where the vendor itself refuses the grant or the application; no error holds a
    credential.
    """
    # A time-out may lose tokens that have been given: there is no hurry.
    status, headers, body = await exchange(
        "token",
        lambda: session.post(
            token_url,
            data=dict(form),
            timeout=aiohttp.ClientTimeout(total=timeout_s),
            allow_redirects=False,
        ),
    )
    # A vendor that quotes the request in its answer must not give a secret away.
    shown = body
    if status != 200:
        for name in _SECRETS:
            if secret := form.get(name):
                shown = shown.replace(secret.encode(), b"**")
    reply = check_token_reply(status, shown, retry_after(headers.get("Retry-After")))
    return _tokens(reply, form.get("refresh_token"), now_s)


def missing_scopes(token: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a token does not allow; a vendor that does not tell is believed."""
    granted = token.get("scope")
    if isinstance(granted, str):
        granted = granted.split()
    if not isinstance(granted, list):
        return ()
    return tuple(scope for scope in SCOPES if scope not in granted)


def _tokens(
    reply: Mapping[str, Any], old_refresh: str | None, now_s: float
) -> dict[str, Any]:
    """Return a reply's tokens; raises CloudNonsenseError where it has none."""
    access = reply.get("access_token")
    refresh = reply.get("refresh_token") or old_refresh
    expires_in = _seconds(reply.get("expires_in", reply.get("expire_in")))
    if (
        not (isinstance(access, str) and access)
        or not isinstance(refresh, str)
        or expires_in is None
    ):
        raise CloudNonsenseError("token: no tokens in the reply")
    tokens: dict[str, Any] = {
        "access_token": access,
        "refresh_token": refresh,
        "expires_in": expires_in,
        "expires_at": now_s + expires_in,
    }
    if "scope" in reply:
        tokens["scope"] = reply["scope"]
    return tokens


def _seconds(value: Any) -> int | None:
    """Return a number of seconds; None where it is none."""
    try:
        seconds = float(value)
    except TypeError, ValueError, OverflowError:
        return None
    return int(seconds) if isfinite(seconds) and seconds >= 0 else None
