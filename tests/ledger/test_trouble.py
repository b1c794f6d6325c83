"""A ledger that cannot be written for a while, seen from a home."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
import sqlite3

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.energy_homes.const import DOMAIN, LEDGER_FILE
from tests.builders import entity_revision, home_entry, meter_subentry, set_up, state_of

POWER = {"unit_of_measurement": "W", "device_class": "power"}


@pytest.fixture(autouse=True)
def at_ten(freezer: FrozenDateTimeFactory) -> None:
    """Begin every test at ten o'clock."""
    freezer.move_to(datetime(2026, 11, 20, 10, 0, tzinfo=UTC))


def rename(hass: HomeAssistant, before: str, after: str) -> None:
    """Rename a table behind the ledger's back, so that it cannot be used."""
    with closing(sqlite3.connect(Path(hass.config.path(LEDGER_FILE)))) as connection:
        connection.execute(f"ALTER TABLE {before} RENAME TO {after}")
        connection.commit()


async def run(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, minutes: int
) -> None:
    """Let the time pass in steps of ten seconds."""
    for _ in range(minutes * 6):
        freezer.tick(timedelta(seconds=10))
        async_fire_time_changed(hass, datetime.now(UTC))
        await hass.async_block_till_done(wait_background_tasks=True)


async def test_slots_wait_until_they_can_be_stored(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing is published that is not stored, and nothing is lost on the way."""
    hass.states.async_set("sensor.clamp", "600", POWER)
    await set_up(
        hass,
        home_entry("Shed", meter_subentry("s", entity_revision("sensor.clamp"))),
    )
    await run(hass, freezer, 7)
    assert float(state_of(hass, "sensor.shed_energy")) == pytest.approx(0.05)

    rename(hass, "slot", "away")
    await run(hass, freezer, 10)
    assert float(state_of(hass, "sensor.shed_energy")) == pytest.approx(0.05)
    assert state_of(hass, "sensor.shed_power") == "600.0"
    assert caplog.text.count("cannot be stored, trying again") == 1

    rename(hass, "away", "slot")
    await run(hass, freezer, 5)
    assert float(state_of(hass, "sensor.shed_energy")) == pytest.approx(0.2)
    assert caplog.text.count("are stored again") == 1


async def test_readings_that_cannot_be_stored_are_not_lost(
    recorder_mock: Recorder, hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """A slot is whole although its readings could not be kept aside."""
    hass.states.async_set("sensor.clamp", "600", POWER)
    await set_up(
        hass,
        home_entry("Shed", meter_subentry("s", entity_revision("sensor.clamp"))),
    )
    rename(hass, "pending", "away")
    await run(hass, freezer, 4)
    rename(hass, "away", "pending")
    await run(hass, freezer, 3)
    assert float(state_of(hass, "sensor.shed_energy")) == pytest.approx(0.05)


async def test_an_update_that_is_asked_for_says_that_the_ledger_fails(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What was committed stays shown, and the log says why it is no newer."""
    assert await async_setup_component(hass, "homeassistant", {})
    hass.states.async_set("sensor.clamp", "600", POWER)
    await set_up(
        hass,
        home_entry("Shed", meter_subentry("s", entity_revision("sensor.clamp"))),
    )
    await run(hass, freezer, 7)

    async def update() -> str:
        """Ask for the home as the ledger has it; return its energy."""
        await hass.services.async_call(
            "homeassistant",
            "update_entity",
            {"entity_id": "sensor.shed_energy"},
            blocking=True,
        )
        await hass.async_block_till_done(wait_background_tasks=True)
        return state_of(hass, "sensor.shed_energy")

    rename(hass, "slot", "away")
    assert float(await update()) == pytest.approx(0.05)
    assert "no such table: slot" in caplog.text
    rename(hass, "away", "slot")
    await run(hass, freezer, 5)
    assert float(await update()) == pytest.approx(0.1)


async def test_home_waits_for_its_ledger(
    recorder_mock: Recorder, hass: HomeAssistant
) -> None:
    """A home whose ledger does not answer is set up later, and says why."""
    entry = home_entry("Shed", meter_subentry("s", entity_revision("sensor.clamp")))
    await set_up(hass, entry)
    await hass.config_entries.async_unload(entry.entry_id)
    rename(hass, "pending", "away")

    await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "ledger_failed"

    rename(hass, "away", "pending")
    await hass.config_entries.async_reload(entry.entry_id)
    assert str(entry.state) == str(ConfigEntryState.LOADED)


async def test_forgetting_says_what_went_wrong(
    recorder_mock: Recorder, hass: HomeAssistant
) -> None:
    """A failure of the ledger is a translated error, and nothing is forgotten."""
    entry, other = home_entry("Shed"), home_entry("Barn")
    await set_up(hass, entry, other)
    await hass.config_entries.async_remove(entry.entry_id)
    rename(hass, "home", "away")

    with pytest.raises(HomeAssistantError) as raised:
        await hass.services.async_call(
            DOMAIN, "forget_home", {"home": "Shed"}, blocking=True
        )
    assert raised.value.translation_key == "ledger_failed"
    rename(hass, "away", "home")
    await hass.services.async_call(
        DOMAIN, "forget_home", {"home": "Shed"}, blocking=True
    )


async def test_home_removed_while_the_ledger_was_out_of_order(
    recorder_mock: Recorder, hass: HomeAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    """The home goes, its history stays, and can be forgotten like any other's."""
    entry, other = home_entry("Shed"), home_entry("Barn")
    await set_up(hass, entry, other)
    rename(hass, "home", "away")
    await hass.config_entries.async_remove(entry.entry_id)
    rename(hass, "away", "home")

    assert "Error calling entry remove callback" not in caplog.text
    assert "When Shed was removed could not be noted" in caplog.text
    answer = await hass.services.async_call(
        DOMAIN, "forget_home", {"home": "Shed"}, blocking=True, return_response=True
    )
    assert answer is not None
    assert answer["home"] == "Shed"
