"""How long a vendor asks to wait."""

from datetime import UTC, datetime, timedelta

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.energy_homes.clouds.retry_after import retry_after


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("120", timedelta(minutes=2)),
        (" 0 ", timedelta()),
        ("Wed, 18 Nov 2026 10:05:00 GMT", timedelta(minutes=5)),
        ("Wed, 18 Nov 2026 10:05:00 -0000", timedelta(minutes=5)),
        ("Wed, 18 Nov 2026 09:00:00 GMT", timedelta()),
        ("9" * 12, timedelta(days=1)),
        ("9" * 30, None),
        ("soon", None),
        (None, None),
    ],
)
def test_retry_after(
    freezer: FrozenDateTimeFactory, header: str | None, wait: timedelta | None
) -> None:
    """Seconds or a date, within reason."""
    freezer.move_to(datetime(2026, 11, 18, 10, 0, tzinfo=UTC))
    assert retry_after(header) == wait
