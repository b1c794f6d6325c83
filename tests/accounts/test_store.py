"""What an account has to know in the next run, as it is written."""

from datetime import timedelta
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.energy_homes.accounts.store import (
    SAVE_WITHIN_S,
    AccountStore,
    async_forget_account,
)
from custom_components.energy_homes.const import DOMAIN

ENTRY = MockConfigEntry(domain=DOMAIN, entry_id="account")
KEY = f"{DOMAIN}.account.account"


class Counted:
    """Data that tell how often they were written."""

    def __init__(self) -> None:
        """Begin without a write."""
        self.writes = 0

    def as_data(self) -> dict[str, Any]:
        """Count a write."""
        self.writes += 1
        return {"writes": self.writes}


@pytest.fixture
def counted() -> Counted:
    """Return what is stored."""
    return Counted()


@pytest.fixture
def store(hass: HomeAssistant, counted: Counted) -> AccountStore:
    """Return an account's store."""
    return AccountStore(hass, ENTRY, counted.as_data)


async def after(hass: HomeAssistant, seconds: float) -> None:
    """Let so many seconds pass from now."""
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=seconds))
    await hass.async_block_till_done()


async def test_a_pending_write_is_not_put_off(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    store: AccountStore,
    counted: Counted,
) -> None:
    """However often it is asked for, it comes in time, and once."""
    store.save()
    await after(hass, SAVE_WITHIN_S / 2)
    store.save(within_s=2 * SAVE_WITHIN_S)
    assert KEY not in hass_storage
    await after(hass, SAVE_WITHIN_S + 1)
    assert hass_storage[KEY]["data"] == {"writes": 1}
    await store.async_flush()
    assert counted.writes == 1


async def test_a_pending_write_is_brought_forward(
    hass: HomeAssistant, hass_storage: dict[str, Any], store: AccountStore
) -> None:
    """What is wanted sooner is not written twice."""
    store.save()
    store.save(within_s=10)
    await after(hass, 11)
    assert hass_storage[KEY]["data"] == {"writes": 1}
    await after(hass, SAVE_WITHIN_S + 1)
    assert hass_storage[KEY]["data"] == {"writes": 1}


async def test_what_waits_is_written_at_the_end(
    hass: HomeAssistant, hass_storage: dict[str, Any], store: AccountStore
) -> None:
    """Another run finds it, until the account is forgotten."""
    await store.async_flush()
    assert await store.async_load() is None
    store.save()
    await store.async_flush()
    again = AccountStore(hass, ENTRY, dict)
    assert await again.async_load() == {"writes": 1}
    await async_forget_account(hass, ENTRY)
    assert KEY not in hass_storage
