"""How long to leave Netatmo alone, and when what goes wrong has a name. Pure.

Instants are seconds on a clock that nobody sets back.
"""

from collections import Counter
from collections.abc import Set as AbstractSet
from datetime import timedelta
from random import Random
from typing import Final, override

from ..patience import NONSENSE_IS_OUTAGE, Patience
from .budget import CallPriority

FAILURES_ARE_OUTAGE: Final = 3
"""So many calls in a row that fail are an outage: one hiccup darkens nothing."""

REFUSED_TOKENS_ARE_AUTH: Final = 3
"""So many fresh tokens in a row that are not taken need a person."""

QUOTA_FORGOTTEN_S: Final = 1800.0
"""So long after the vendor's last refusal the next one is a first one again."""

_OUTAGE_WAIT: Final = (timedelta(seconds=10), timedelta(minutes=15))
_QUOTA_WAIT: Final = (timedelta(minutes=1), timedelta(minutes=30))


class NetatmoPatience(Patience):
    """An account's failures in a row, and until when no poll is made for them."""

    def __init__(self, random: Random) -> None:
        """Begin without a failure."""
        super().__init__(random, outage=_OUTAGE_WAIT, quota=_QUOTA_WAIT)
        self.troubles: Counter[str] = Counter()
        self._quota_at_s: float | None = None
        self._command_taken = False
        self._failed: list[str | None] = []
        self._outages = 0
        self._refused_tokens = 0

    @property
    def failed_homes(self) -> AbstractSet[str]:
        """Return the homes whose calls have failed since the last answer."""
        return {home_id for home_id in self._failed if home_id is not None}

    def not_before_s(self, priority: CallPriority, now_s: float) -> float:
        """Return when a poll may be made at the earliest."""
        if self._not_before_s is None or (
            self._command_taken and priority is CallPriority.READ_BACK
        ):
            return now_s
        return max(self._not_before_s, now_s)

    @override
    def answered(self, now_s: float) -> None:
        """Note an answer: failures begin to count anew."""
        super().answered(now_s)
        self._failed.clear()
        self._outages = 0
        self._refused_tokens = 0

    def command_taken(self) -> None:
        """Note that a command was accepted: its read-back need not wait."""
        self._command_taken = True

    def refused(self) -> None:
        """Note a question that the cloud understood and does not answer."""
        self.troubles["refused"] += 1

    def failed(self, home_id: str | None, *, nonsense: bool, homes: int) -> bool:
        """Note a call that failed; return whether the account's cloud is away by that.

        `homes` is how many homes are polled: one whose status does not come is no outage
        of the account while others are answered for.
        """
        self.troubles["nonsense" if nonsense else "outage"] += 1
        self._failed.append(home_id)
        self._outages += not nonsense
        return len(set(self._failed)) >= min(homes, 2) and (
            self._outages >= FAILURES_ARE_OUTAGE
            or len(self._failed) >= NONSENSE_IS_OUTAGE
        )

    def token_refused(self) -> bool:
        """Note that a fresh token was not taken; return whether that needs a person."""
        self._refused_tokens += 1
        return self._refused_tokens >= REFUSED_TOKENS_ARE_AUTH

    @override
    def wait_for_quota(self, now_s: float, asked: timedelta | None) -> None:
        """Make no poll for as long as the vendor asks, or longer and longer."""
        self.troubles["quota"] += 1
        self._quota_at_s = now_s
        super().wait_for_quota(now_s, asked)

    @override
    def _forgets_quota(self, now_s: float) -> bool:
        """Return whether the vendor's last refusal is long ago."""
        return self._quota_at_s is None or now_s - self._quota_at_s >= QUOTA_FORGOTTEN_S

    @override
    def _hold(self, now_s: float, wait: timedelta) -> None:
        """Make no poll for a while, and no read-back of a command that was taken before."""
        super()._hold(now_s, wait)
        self._command_taken = False
