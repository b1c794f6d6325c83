"""Limits: bounded memory, no burst beyond what was promised, no effect on others."""

from ipaddress import ip_address

from hypothesis import given, strategies as st
import pytest

from custom_components.energy_homes.boards.rate import (
    AddressLimit,
    TokenBucket,
    network_of,
    parsed_address,
)

GAPS = st.lists(st.floats(-5, 100), max_size=200)


@given(gaps=GAPS, rate=st.floats(0.1, 50), burst=st.floats(1, 50))
def test_no_more_passes_than_was_promised(
    gaps: list[float], rate: float, burst: float
) -> None:
    """In any time a bucket lets a burst and its rate pass, also where clocks go back."""
    bucket = TokenBucket(rate=rate, burst=burst)
    now_s = forward_s = 0.0
    passed = 0
    for gap in gaps:
        now_s += gap
        forward_s += max(gap, 0)
        passed += bucket.take(now_s)
        assert passed <= burst + rate * forward_s + 1e-6


def test_bucket_fills_again() -> None:
    """After a pause as much may pass as at the beginning."""
    bucket = TokenBucket(rate=1, burst=3)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(1.0) for _ in range(2)] == [True, False]
    assert [bucket.take(100.0) for _ in range(4)] == [True, True, True, False]


@given(st.lists(st.integers(0, 2**32 - 1), max_size=100))
def test_memory_is_bounded(numbers: list[int]) -> None:
    """Only the addresses that were heard last are remembered."""
    limit = AddressLimit(addresses=8, rate=1, burst=2, total_rate=1000)
    for number in numbers:
        limit.take(str(ip_address(number)), 0.0)
        assert len(limit) <= 8


def test_one_address_does_not_use_up_another() -> None:
    """Each has its own, and all together have one."""
    limit = AddressLimit(addresses=8, rate=1, burst=2, total_rate=5)
    one, two = "192.0.2.1", "192.0.2.2"
    assert [limit.take(one, 0.0) for _ in range(3)] == [True, True, False]
    assert [limit.take(two, 0.0) for _ in range(3)] == [True, True, False]
    assert [limit.take(f"198.51.100.{n}", 0.0) for n in range(3)] == [
        True,
        False,
        False,
    ]
    assert not limit.take(None, 0.0)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::9", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("somebody", ""),
        (None, ""),
    ],
)
def test_hosts(address: str | None, network: str) -> None:
    """Whoever has an IPv6 network has one bucket."""
    assert network_of(address) == network


def test_addresses() -> None:
    """What is not an address is none."""
    assert parsed_address("::ffff:10.0.0.1") == ip_address("10.0.0.1")
    assert parsed_address("") is None
