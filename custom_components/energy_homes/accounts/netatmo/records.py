"""Which tokens took the place of a refresh token that has been spent. Pure.

The vendor voids a refresh token when it gives the next one. An entry that was saved too
late, or an import that names a token of long ago, finds here what is good today. Refresh
tokens are known by fingerprints; only the newest tokens themselves are kept.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Final, Self

type Token = dict[str, Any]
"""Tokens as entries store them: access_token, refresh_token, expires_at (epoch s) ..."""

MOST_SPENT: Final = 16
"""So many refresh tokens that were spent last are remembered of each account."""

MOST_FIRST: Final = 32
"""So many refresh tokens are remembered that somebody gave us."""

UNUSED_S: Final = 30 * 86_400
"""How long tokens are kept that no entry has."""

_HASH_DIGITS: Final = 32


def fingerprint(refresh_token: str) -> str:
    """Return what a refresh token is remembered by."""
    return sha256(refresh_token.encode()).hexdigest()[:_HASH_DIGITS]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord:
    """The newest tokens of one grant, and what they were got for.

    `first` holds fingerprints of tokens that somebody gave, `spent` those of the last ones
    that were replaced; `implementation` is the application's id; `at_s` is when the tokens
    came, epoch s.
    """

    implementation: str
    token: Token = field(repr=False)
    at_s: float
    first: tuple[str, ...] = ()
    spent: tuple[str, ...] = ()

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Read a record as it is stored."""
        return cls(
            implementation=data["implementation"],
            token=dict(data["token"]),
            at_s=data["at_s"],
            first=tuple(data["first"]),
            spent=tuple(data["spent"]),
        )

    def as_data(self) -> dict[str, Any]:
        """Return the record as it is stored."""
        return {
            "implementation": self.implementation,
            "token": self.token,
            "at_s": self.at_s,
            "first": list(self.first),
            "spent": list(self.spent),
        }

    @property
    def current(self) -> str:
        """Return the fingerprint of the newest refresh token."""
        return fingerprint(self.token["refresh_token"])

    def knows(self, known: str) -> bool:
        """Return whether a fingerprint belongs to this grant."""
        return known == self.current or known in self.spent or known in self.first


class TokenRecords:
    """The records of all accounts."""

    def __init__(self, records: Iterable[TokenRecord] = ()) -> None:
        """Start with what was stored."""
        self._records = list(records)

    def as_data(self) -> list[dict[str, Any]]:
        """Return the records as they are stored."""
        return [record.as_data() for record in self._records]

    def find(self, refresh_token: str) -> TokenRecord | None:
        """Return the record that a refresh token belongs to, spent or not."""
        known = fingerprint(refresh_token)
        return next((r for r in self._records if r.knows(known)), None)

    def newer(self, refresh_token: str) -> TokenRecord | None:
        """Return the record with what took a refresh token's place; None where nothing did."""
        record = self.find(refresh_token)
        if record is None or record.current == fingerprint(refresh_token):
            return None
        return record

    def renew(
        self, spent: str, implementation: str, token: Token, now_s: float
    ) -> TokenRecord:
        """Note the tokens that a refresh token was spent for; return what is newest now.

        Where the grant has moved on meanwhile, by signing in again, that stays the newest.
        """
        if (newer := self.newer(spent)) is not None:
            return newer
        return self.replace(spent, implementation, token, now_s)

    def replace(
        self, old: str, implementation: str, token: Token, now_s: float
    ) -> TokenRecord:
        """Note tokens that take the place of a refresh token and all of its successors."""
        known = [
            record
            for record in (self.find(old), self.find(token["refresh_token"]))
            if record is not None
        ]
        gone = fingerprint(old)
        first = _each(f for record in known for f in record.first) or (gone,)
        spent = _each(
            [s for record in known for s in (*record.spent, record.current)] + [gone]
        )
        made = TokenRecord(
            implementation=implementation,
            token=token,
            at_s=now_s,
            first=first[-MOST_FIRST:],
        )
        made = replace(
            made, spent=tuple(s for s in spent if s != made.current)[-MOST_SPENT:]
        )
        self._records = [r for r in self._records if r not in known] + [made]
        return made

    def forget(self, refresh_token: str) -> bool:
        """Drop what belongs to a refresh token; return whether there was anything."""
        if (record := self.find(refresh_token)) is None:
            return False
        self._records.remove(record)
        return True

    def prune(self, in_use: Iterable[str], now_s: float) -> None:
        """Drop what no refresh token in use belongs to and is old."""
        live = [fingerprint(refresh_token) for refresh_token in in_use]
        self._records = [
            record
            for record in self._records
            if now_s - record.at_s < UNUSED_S or any(map(record.knows, live))
        ]


def _each(fingerprints: Iterable[str]) -> tuple[str, ...]:
    """Return fingerprints in their order, each once, at its last place."""
    return tuple(reversed(dict.fromkeys(reversed(list(fingerprints)))))
