"""How much may come: per board, and from who does not know a secret. Pure, bounded.

Times are seconds of any clock that never goes back.
"""

from collections import OrderedDict
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

IPV6_HOST_BITS: Final = 64
"""Whoever has an IPv6 address has as many as these bits give."""


class TokenBucket:
    """Lets `burst` pass at once, and `rate` in a second after that."""

    __slots__ = ("_at_s", "_burst", "_left", "_rate")

    def __init__(self, *, rate: float, burst: float) -> None:
        """Begin with a whole burst."""
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at_s: float | None = None

    def take(self, now_s: float) -> bool:
        """Return whether one more may pass."""
        if self._at_s is not None:
            passed_s = max(now_s - self._at_s, 0)
            self._left = min(self._left + passed_s * self._rate, self._burst)
        self._at_s = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True


class AddressLimit:
    """A bucket for each of the addresses that were heard last, and one for all of them."""

    def __init__(
        self, *, addresses: int, rate: float, burst: float, total_rate: float
    ) -> None:
        """Remember so many addresses; `rate` and `burst` are of each."""
        self._addresses = addresses
        self._rate = rate
        self._burst = burst
        self._total = TokenBucket(rate=total_rate, burst=total_rate)
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()

    def __len__(self) -> int:
        """Return how many addresses are remembered."""
        return len(self._buckets)

    def take(self, address: str | None, now_s: float) -> bool:
        """Return whether one more from an address may pass."""
        key = network_of(address)
        if (bucket := self._buckets.get(key)) is None:
            bucket = TokenBucket(rate=self._rate, burst=self._burst)
            self._buckets[key] = bucket
            if len(self._buckets) > self._addresses:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        return bucket.take(now_s) and self._total.take(now_s)


def parsed_address(address: str | None) -> IPv4Address | IPv6Address | None:
    """Return an address, an IPv4 one also where IPv6 carries it; None for what is none."""
    if address is None:
        return None
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    return parsed


def network_of(address: str | None) -> str:
    """Return what the addresses of one host have in common."""
    match parsed_address(address):
        case None:
            return ""
        case IPv6Address() as parsed:
            host = int(parsed) >> IPV6_HOST_BITS << IPV6_HOST_BITS
            return str(IPv6Address(host))
        case parsed:
            return str(parsed)
