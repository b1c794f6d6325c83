"""Homes that a pulse board measures, in a whole Home Assistant."""

from datetime import timedelta
from typing import Any

from homeassistant.components.recorder import Recorder
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from syrupy.assertion import SnapshotAssertion

from custom_components.energy_homes.accounts.pulse_board.hub import PulseBoardHub
from custom_components.energy_homes.boards.message import (
    BoardReply,
    MeterCount,
    PowerUp,
    Pulse,
)
from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.ledger.opening import DATA_LEDGER
from custom_components.energy_homes.metering.model import MeterRole, Provenance
from tests.board_kit import SECRET
from tests.builders import (
    board_entry,
    board_revision,
    entity_revision,
    home_entry,
    meter_subentry,
    set_up,
    state_of,
)
from tests.entities.heated import described, shown
from tests.virtual import VirtualTime

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)

POWER = "sensor.harbour_flat_power"
ENERGY = "sensor.harbour_flat_energy"
KITCHEN_POWER = "sensor.harbour_flat_kitchen_power"
KITCHEN_ENERGY = "sensor.harbour_flat_kitchen_energy"
READING = "number.harbour_flat_kitchen_meter_reading"
SUBTOTAL = "sensor.harbour_flat_kitchen_subtotal"
RESET = "button.harbour_flat_kitchen_reset_subtotal"
LAST_PULSE = "sensor.harbour_flat_kitchen_last_pulse"
ONLINE = "binary_sensor.harbour_board_online"
SET_METER = "switch.harbour_board_set_meter"
REFUSED = "sensor.harbour_board_refused_messages"


def harbour_flat(label: str = "Harbour Flat", *channels: int) -> MockConfigEntry:
    """Return a home whose grid meter and kitchen a board counts."""
    grid, kitchen = channels or (1, 2)
    slug = label.casefold().replace(" ", "-")
    return home_entry(
        label,
        meter_subentry(f"{slug}-grid", board_revision(grid)),
        meter_subentry(
            f"{slug}-kitchen",
            board_revision(kitchen),
            name="Kitchen",
            role=MeterRole.SUBMETER,
        ),
    )


class Flat:
    """A home, its board, and the pulses of their meters."""

    def __init__(
        self, hass: HomeAssistant, virtual: VirtualTime, entry: MockConfigEntry
    ) -> None:
        """Begin with a board that was never heard."""
        self.hass = hass
        self.virtual = virtual
        self.entry = entry
        self._booted = virtual.now

    @property
    def hub(self) -> PulseBoardHub:
        """Return the board's hub as it is now."""
        hub: PulseBoardHub = self.entry.runtime_data
        return hub

    async def pulse(self, channel: int = 2) -> BoardReply:
        """Let a meter flash now."""
        millis = (self.virtual.now - self._booted) // timedelta(milliseconds=1)
        reply = await self.hub.async_hear(Pulse(channel, millis), self.virtual.now)
        await self.virtual.settle()
        return reply

    async def run(self, count: int, every: timedelta, channel: int = 2) -> None:
        """Let a meter flash so often, each time after a while."""
        for _ in range(count):
            await self.virtual.run(every)
            await self.pulse(channel)

    async def restart_board(self) -> None:
        """Let the board begin anew and say so."""
        self._booted = self.virtual.now
        await self.hub.async_hear(PowerUp(), self.virtual.now)

    async def act(self, action: str, entity_id: str, **data: Any) -> None:
        """Call an action on an entity."""
        domain, service = action.split(".")
        await self.hass.services.async_call(
            domain, service, {"entity_id": entity_id, **data}, blocking=True
        )

    async def set_reading(self, meter: str, reading: float) -> dict[str, Any]:
        """Call our own action; return its answer."""
        answer = await self.hass.services.async_call(
            DOMAIN,
            "set_meter_reading",
            {"meter": meter, "reading": reading},
            blocking=True,
            return_response=True,
        )
        assert answer is not None
        return dict(answer)


@pytest.fixture
async def flat(
    recorder_mock: Recorder, hass: HomeAssistant, virtual: VirtualTime
) -> Flat:
    """Set up the board and the home."""
    entry = board_entry()
    await set_up(hass, entry, harbour_flat())
    return Flat(hass, virtual, entry)


async def test_entities(
    flat: Flat,
    hass: HomeAssistant,
    entity_registry: er.EntityRegistry,
    snapshot: SnapshotAssertion,
) -> None:
    """Classes, units, categories, precision and what is enabled."""
    await flat.run(10, 4 * SECOND)
    await flat.run(12, 2 * SECOND, channel=1)
    assert described(hass, entity_registry.entities.values()) == snapshot


async def test_power_falls_when_pulses_stop_and_says_so(
    flat: Flat, hass: HomeAssistant
) -> None:
    """1 Wh in 3.6 s are 1 kW; without a pulse for 7.2 s it can only be less."""
    assert shown(hass, KITCHEN_POWER) == (STATE_UNAVAILABLE,)
    await flat.run(1, 3.6 * SECOND)
    assert shown(hass, KITCHEN_POWER) == (STATE_UNAVAILABLE,)
    await flat.run(5, 3.6 * SECOND)
    assert shown(hass, KITCHEN_POWER, "estimated") == ("1000.0", False)
    await flat.virtual.run(7.3 * SECOND)
    assert shown(hass, KITCHEN_POWER, "estimated") == ("500.0", True)
    await flat.virtual.run(7.3 * SECOND)
    assert shown(hass, KITCHEN_POWER, "estimated") == ("250.0", True)
    await flat.virtual.run(5 * MINUTE)
    assert shown(hass, KITCHEN_POWER, "estimated") == ("0.0", True)
    await flat.pulse()
    assert shown(hass, KITCHEN_POWER, "estimated") == (
        str(float(state_of(hass, KITCHEN_POWER))),
        False,
    )
    assert state_of(hass, POWER) == STATE_UNAVAILABLE

    await flat.virtual.run(31 * MINUTE)
    assert state_of(hass, KITCHEN_POWER) == STATE_UNAVAILABLE
    assert state_of(hass, ONLINE) == "off"


async def test_home_says_that_its_power_is_an_estimate(
    flat: Flat, hass: HomeAssistant
) -> None:
    """The home's own power is that of its grid meter, estimated or not."""
    await flat.run(3, 3.6 * SECOND, channel=1)
    assert shown(hass, POWER, "estimated") == ("1000.0", False)
    await flat.virtual.run(8 * SECOND)
    assert shown(hass, POWER, "estimated") == ("500.0", True)


async def test_power_by_action(flat: Flat, hass: HomeAssistant) -> None:
    """The answer from memory says too whether a power is an estimate."""
    await flat.run(3, 3.6 * SECOND, channel=1)
    await flat.virtual.run(8 * SECOND)
    answer = await hass.services.async_call(
        DOMAIN, "get_power", {}, blocking=True, return_response=True
    )
    home = answered(answered(answer)["Harbour Flat"])
    assert (home["power"], home["estimated"]) == (500.0, True)
    meters = answered(home["meters"])
    assert [(name, answered(meter)["estimated"]) for name, meter in meters.items()] == [
        ("Electricity meter", True),
        ("Kitchen", False),
    ]


def answered(value: Any) -> dict[str, Any]:
    """Return an object of an answer."""
    assert isinstance(value, dict)
    return value


async def test_dials_are_shown_twice_a_minute(flat: Flat, hass: HomeAssistant) -> None:
    """Each pulse moves them, and the recorder does not need each."""
    changes = async_capture_events(hass, "state_changed")
    await flat.run(60, 2 * SECOND)
    shown = [
        e.data["new_state"].state for e in changes if e.data["entity_id"] == READING
    ]
    assert 4 <= len(shown) <= 5
    assert shown == sorted(shown)
    await flat.virtual.run(30 * SECOND)
    assert state_of(hass, READING) == "0.06"


async def test_small_changes_wait_and_jumps_do_not(
    flat: Flat, hass: HomeAssistant
) -> None:
    """The recorder does not get a row for each pulse."""
    await flat.run(3, 2 * SECOND)
    assert state_of(hass, KITCHEN_POWER) == "1800.0"
    await flat.run(1, 1.9 * SECOND)
    assert state_of(hass, KITCHEN_POWER) == "1800.0"
    await flat.run(5, 1.9 * SECOND)
    assert float(state_of(hass, KITCHEN_POWER)) == pytest.approx(1894.7, abs=0.1)
    await flat.run(1, SECOND)
    assert state_of(hass, KITCHEN_POWER) == "3600.0"


async def test_energy_total_counts_every_pulse(flat: Flat, hass: HomeAssistant) -> None:
    """Totals move with settled slots, and nothing of a gap is spread or lost."""
    await flat.run(30, 20 * SECOND)
    await flat.run(30, 20 * SECOND, channel=1)
    await flat.virtual.run(7 * MINUTE)
    assert state_of(hass, KITCHEN_ENERGY) == "0.03"
    await flat.restart_board()
    await flat.run(10, 30 * SECOND)
    await flat.virtual.run(7 * MINUTE)
    assert flat.hub.book.channels[2].pulses == 40
    assert state_of(hass, KITCHEN_ENERGY) == "0.04"
    # The kitchen never adds to the home.
    assert state_of(hass, ENERGY) == "0.03"
    slots = await slots_of(flat, "harbour-flat-kitchen")
    assert sum(energy or 0 for _, energy in slots) == pytest.approx(0.04)
    kinds = [kind for kind, _ in slots]
    # The first slot, before which nobody listened, and those around the restart.
    assert kinds.count(Provenance.INTERPOLATED) == 0
    assert kinds[1] is Provenance.MEASURED
    assert kinds[2] is Provenance.UNKNOWN


async def test_restart_continues_where_it_was(flat: Flat, hass: HomeAssistant) -> None:
    """Reloading the board and the home loses no pulse and counts none twice."""
    await flat.run(20, 10 * SECOND)
    assert await hass.config_entries.async_reload(flat.entry.entry_id)
    await flat.run(20, 10 * SECOND)
    (home,) = (
        e
        for e in hass.config_entries.async_entries(DOMAIN)
        if e.title != "Harbour board"
    )
    assert await hass.config_entries.async_reload(home.entry_id)
    await hass.async_block_till_done()
    await flat.run(20, 10 * SECOND)
    await flat.virtual.run(7 * MINUTE)
    assert flat.hub.book.channels[2].pulses == 60
    assert state_of(hass, KITCHEN_ENERGY) == "0.06"
    assert state_of(hass, READING) == "0.06"


async def test_meter_reading_is_set_and_goes_on(
    flat: Flat, hass: HomeAssistant
) -> None:
    """What is set is shown and kept at once; the energy total stays as it is."""
    await flat.run(5, 10 * SECOND)
    await flat.act("number.set_value", READING, value=3362.79)
    assert state_of(hass, READING) == "3362.79"
    kept = await hass.data[DATA_LEDGER].boards.async_load(flat.entry.unique_id or "")
    assert kept[2]["count"] == 3_362_790
    await flat.run(2, 10 * SECOND)
    await flat.virtual.run(MINUTE)
    assert state_of(hass, READING) == "3362.792"
    await flat.virtual.run(7 * MINUTE)
    assert state_of(hass, KITCHEN_ENERGY) == "0.007"


async def test_subtotal_begins_anew(flat: Flat, hass: HomeAssistant) -> None:
    """The button resets the subtotal and nothing else."""
    await flat.run(5, 10 * SECOND)
    await flat.virtual.run(30 * SECOND)
    assert state_of(hass, SUBTOTAL) == "0.005"
    await flat.act("button.press", RESET)
    assert state_of(hass, SUBTOTAL) == "0.0"
    assert state_of(hass, READING) == "0.005"
    await flat.run(1, 10 * SECOND)
    pulse = flat.virtual.now
    await flat.virtual.run(30 * SECOND)
    assert state_of(hass, SUBTOTAL) == "0.001"
    assert state_of(hass, LAST_PULSE) == pulse.isoformat(timespec="seconds")


async def test_board_sets_its_meter_only_while_it_may(
    flat: Flat, hass: HomeAssistant
) -> None:
    """A count from the board is refused while the switch is off, and it is off at first."""
    assert state_of(hass, SET_METER) == "off"
    count = MeterCount(2, 336_279)
    assert (await flat.hub.async_hear(count, flat.virtual.now)).status == 403
    assert state_of(hass, READING) == "0.0"
    await flat.act("switch.turn_on", SET_METER)
    assert state_of(hass, SET_METER) == "on"
    assert (await flat.hub.async_hear(count, flat.virtual.now)).status == 200
    assert state_of(hass, READING) == "3362.79"
    await flat.act("switch.turn_off", SET_METER)
    assert (await flat.hub.async_hear(count, flat.virtual.now)).status == 403
    await flat.act("switch.turn_on", SET_METER)
    assert await hass.config_entries.async_reload(flat.entry.entry_id)
    assert state_of(hass, SET_METER) == "off"


async def test_action_sets_the_reading(
    flat: Flat, hass: HomeAssistant, subtests: pytest.Subtests
) -> None:
    """A meter is named by any of its entities, by its name, or by home and name."""
    for meter, reading in (
        (READING, 12.34),
        (KITCHEN_POWER, 12.35),
        ("Harbour Flat Kitchen", 12.36),
        (" harbour flat kitchen", 12.37),
        ("Kitchen", 12.38),
    ):
        with subtests.test(meter):
            answer = await flat.set_reading(meter, reading)
            assert answer == {"meter": "Harbour Flat Kitchen", "reading": reading}
            assert state_of(hass, READING) == str(reading)


async def test_action_names_the_choices(flat: Flat, hass: HomeAssistant) -> None:
    """What cannot be is refused with what can, and nothing changes."""
    hass.states.async_set("sensor.clamp", "1", {"unit_of_measurement": "W"})
    await set_up(
        hass,
        harbour_flat("Quay", 3, 4),
        home_entry("Shed", meter_subentry("shed", entity_revision("sensor.clamp"))),
    )
    flats = "Harbour Flat Electricity meter, Harbour Flat Kitchen"
    quay = "Quay Electricity meter, Quay Kitchen"
    for meter in (
        "Cellar",
        "sensor.clamp",
        "sensor.shed_power",
        "Shed Electricity meter",
    ):
        with pytest.raises(ServiceValidationError) as caught:
            await flat.set_reading(meter, 1)
        assert caught.value.translation_key == "unknown_dial_meter"
        assert caught.value.translation_placeholders == {
            "meter": meter,
            "meters": f"{flats}, {quay}",
        }
    with pytest.raises(ServiceValidationError) as caught:
        await flat.set_reading("Kitchen", 1)
    assert caught.value.translation_key == "ambiguous_meter"
    assert caught.value.translation_placeholders == {
        "meter": "Kitchen",
        "meters": "Harbour Flat Kitchen, Quay Kitchen",
    }
    for wrong in (-0.01, 10_000_000, float("nan"), float("inf")):
        with pytest.raises(ServiceValidationError) as caught:
            await flat.set_reading("Harbour Flat Kitchen", wrong)
        assert caught.value.translation_key == "reading_range"
    assert state_of(hass, READING) == "0.0"


async def test_reading_that_cannot_be_kept_is_not_shown(
    flat: Flat, hass: HomeAssistant
) -> None:
    """A ledger that cannot be written is an error, and nothing has changed."""
    await flat.run(1, 10 * SECOND)
    ledger = hass.data[DATA_LEDGER]
    await ledger.async_close()
    for action, entity_id, data in (
        ("number.set_value", READING, {"value": 5}),
        ("button.press", RESET, {}),
    ):
        with pytest.raises(HomeAssistantError) as caught:
            await flat.act(action, entity_id, **data)
        assert caught.value.translation_key == "reading_not_kept"
    await ledger.async_open()
    await flat.virtual.run(MINUTE)
    assert state_of(hass, READING) == "0.001"


async def test_without_its_board(flat: Flat, hass: HomeAssistant) -> None:
    """Only the energy total stays; what the dial shows comes back with the board."""
    await flat.run(30, 10 * SECOND)
    await flat.virtual.run(7 * MINUTE)
    assert await hass.config_entries.async_unload(flat.entry.entry_id)
    await flat.virtual.run(MINUTE)
    for entity_id in (KITCHEN_POWER, READING, SUBTOTAL, RESET):
        assert state_of(hass, entity_id) == STATE_UNAVAILABLE
    assert state_of(hass, KITCHEN_ENERGY) == "0.03"
    with pytest.raises(HomeAssistantError) as caught:
        await flat.set_reading("Kitchen", 1)
    assert caught.value.translation_key == "board_not_loaded"

    assert await hass.config_entries.async_setup(flat.entry.entry_id)
    await flat.virtual.run(MINUTE)
    assert state_of(hass, READING) == "0.03"


async def test_board_account(
    flat: Flat,
    hass: HomeAssistant,
    hass_client_no_auth: ClientSessionGenerator,
    entity_registry: er.EntityRegistry,
) -> None:
    """Whether it is heard, how often it calls, and what of that was of no use."""
    assert state_of(hass, ONLINE) == "off"
    calls = "sensor.harbour_board_calls_in_the_last_hour"
    entity_registry.async_update_entity(calls, disabled_by=None)
    # Home Assistant reloads the entry by itself after a while.
    await flat.virtual.run(31 * SECOND)
    client = await hass_client_no_auth()
    url = f"/api/energy_homes/board/{SECRET}"
    async with client.get(url, params={"channel": "2", "millis": "5"}) as response:
        assert (response.status, await response.text()) == (200, "WEBHOOK 200 OK\n")
    assert state_of(hass, ONLINE) == "on"
    async with client.get(url, params={"channel": "nine"}) as response:
        assert response.status == 400
    await flat.virtual.run(MINUTE)
    assert state_of(hass, REFUSED) == "1"
    assert state_of(hass, calls) == "2"
    await flat.virtual.run(61 * MINUTE)
    assert state_of(hass, calls) == "0"


async def slots_of(flat: Flat, source_id: str) -> list[tuple[Provenance, float | None]]:
    """Return provenance and energy of a meter's slots."""
    slots = await flat.hass.data[DATA_LEDGER].slots.async_between(
        source_id, flat.virtual.now - timedelta(days=1), flat.virtual.now
    )
    return [(slot.provenance, slot.energy) for slot in slots]
