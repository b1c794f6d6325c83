"""Clients, codes and tokens: who may act for whom, and until when."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from simulator.noise import made_id, mix_seed

ACCESS_S = 10_800
CODE_MS = 600_000
DEFAULT_SCOPE = ("read_station",)
HEATING_SCOPE = ("read_thermostat", "write_thermostat")


class TokenState(StrEnum):
    """What an access token is worth."""

    GOOD = "good"
    UNKNOWN = "unknown"
    EXPIRED = "expired"


class GrantError(Exception):
    """A token that is not given; the text is the vendor's error word."""


@dataclass(frozen=True)
class Grant:
    """That a client may act for a user."""

    email: str
    client_id: str
    scope: tuple[str, ...]


@dataclass(frozen=True)
class Code:
    """A code that is worth one grant."""

    grant: Grant
    redirect_uri: str
    end_ms: int


@dataclass(frozen=True)
class Access:
    """An access token's grant and end."""

    grant: Grant
    end_ms: int


class Tokens:
    """The vendor's book of tokens."""

    def __init__(self, seed: int) -> None:
        """Begin with no client and no token."""
        self.secrets: dict[str, str] = {}
        self.rotates = True
        self.access_s = ACCESS_S
        self._seed = seed
        self._made = 0
        self._codes: dict[str, Code] = {}
        self._access: dict[str, Access] = {}
        self._refresh: dict[str, Grant] = {}

    def plant(self, refresh_token: str, grant: Grant) -> None:
        """Make a refresh token known from the beginning."""
        self._refresh[refresh_token] = grant

    def code(self, grant: Grant, redirect_uri: str, now_ms: int) -> str:
        """Return a new code for a grant."""
        code = self._make("code")
        self._codes[code] = Code(grant, redirect_uri, now_ms + CODE_MS)
        return code

    def redeem(
        self, code: str, client_id: str, redirect_uri: str, now_ms: int
    ) -> Grant:
        """Return the grant of a code, which is worth nothing afterwards.

        Raises:
            GrantError: where the code is not that client's, or too old.
        """
        known = self._codes.pop(code, None)
        if (
            known is None
            or known.grant.client_id != client_id
            or known.redirect_uri != redirect_uri
            or now_ms >= known.end_ms
        ):
            raise GrantError("invalid_grant")
        return known.grant

    def refresh(self, refresh_token: str, client_id: str) -> Grant:
        """Return the grant of a refresh token, which is void afterwards.

        Raises:
            GrantError: where the token is not that client's.
        """
        grant = self._refresh.get(refresh_token)
        if grant is None or grant.client_id != client_id:
            raise GrantError("invalid_grant")
        if self.rotates:
            del self._refresh[refresh_token]
        return grant

    def issue(
        self, grant: Grant, now_ms: int, old_refresh: str | None = None
    ) -> dict[str, object]:
        """Return new tokens as the vendor sends them."""
        access = f"{made_id('user', grant.email)}|{self._make('access')}"
        self._access[access] = Access(grant, now_ms + self.access_s * 1000)
        refresh = old_refresh
        if refresh is None or self.rotates:
            refresh = f"{made_id('user', grant.email)}|{self._make('refresh')}"
        self._refresh[refresh] = grant
        return {
            "scope": list(grant.scope),
            "access_token": access,
            "refresh_token": refresh,
            "expires_in": self.access_s,
            "expire_in": self.access_s,
        }

    def check(self, access_token: str, now_ms: int) -> tuple[TokenState, Grant | None]:
        """Return what an access token is worth, and whose it is."""
        if (known := self._access.get(access_token)) is None:
            return TokenState.UNKNOWN, None
        if now_ms >= known.end_ms:
            return TokenState.EXPIRED, known.grant
        return TokenState.GOOD, known.grant

    def owner(self, secret: str) -> str | None:
        """Return whose a code or refresh token is, without using it."""
        if (code := self._codes.get(secret)) is not None:
            return code.grant.email
        if (grant := self._refresh.get(secret)) is not None:
            return grant.email
        return None

    def expire(self, email: str) -> None:
        """End all access tokens of a user now."""
        for token, access in self._access.items():
            if access.grant.email == email:
                self._access[token] = Access(access.grant, 0)

    def revoke(self, email: str) -> None:
        """Void everything that a user has granted."""
        self._codes = _without(
            self._codes, {c for c, v in self._codes.items() if v.grant.email == email}
        )
        self._access = _without(
            self._access, {t for t, v in self._access.items() if v.grant.email == email}
        )
        self._refresh = _without(
            self._refresh, {t for t, v in self._refresh.items() if v.email == email}
        )

    def current(self, email: str) -> list[str]:
        """Return a user's refresh tokens that are good."""
        return [token for token, grant in self._refresh.items() if grant.email == email]

    def as_data(self) -> dict[str, Any]:
        """Return the book without its codes, which live for minutes."""
        return {
            "secrets": dict(self.secrets),
            "made": self._made,
            "access": {token: asdict(access) for token, access in self._access.items()},
            "refresh": {token: asdict(grant) for token, grant in self._refresh.items()},
        }

    def restore(self, data: Mapping[str, Any]) -> None:
        """Go on with a book that was kept."""
        self.secrets = dict(data["secrets"])
        self._made = data["made"]
        self._access = {
            token: Access(_grant(access["grant"]), access["end_ms"])
            for token, access in data["access"].items()
        }
        self._refresh = {
            token: _grant(grant) for token, grant in data["refresh"].items()
        }

    def _make(self, kind: str) -> str:
        """Return a token that was never given before."""
        self._made += 1
        return f"simulated-{kind}-{mix_seed(self._seed, kind, self._made):016x}"


def _grant(data: Mapping[str, Any]) -> Grant:
    """Return a grant that was kept."""
    return Grant(data["email"], data["client_id"], tuple(data["scope"]))


def _without[T](known: dict[str, T], gone: set[str]) -> dict[str, T]:
    """Return what is left."""
    return {name: value for name, value in known.items() if name not in gone}
