"""A Particle board on a circuit of Mill Cottage, added through the ordinary flows."""

from datetime import datetime, timedelta
from itertools import pairwise
import logging

from homeassistant.components.recorder import Recorder
from homeassistant.config_entries import SOURCE_REAUTH
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest

from custom_components.energy_homes.const import DOMAIN
from tests.builders import state_of
from tests.flows.helpers import next_form, start, submit
from tests.particle_control import PARTICLE_TOKEN, ParticleControl
from tests.simulator_client import MILL_TOKEN, to_ms
from tests.virtual import VirtualTime

pytestmark = pytest.mark.slow

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
SLOT = timedelta(minutes=5)
SETTLED = timedelta(seconds=100)
"""A slot is settled 90 s after its end."""
GRID = "720001"
HOME_POWER = "sensor.mill_cottage_power"
HOME_ENERGY = "sensor.mill_cottage_energy"
BOARD_POWER = "sensor.mill_cottage_fridge_and_microwave_power"
BOARD_ENERGY = "sensor.mill_cottage_fridge_and_microwave_energy"
ACCOUNT = "sensor.particle_3fb9_cloud"
AGREES = 0.005
NEW_TOKEN = "abcd" * 10


class MillCottage:
    """The home, its meters, and the simulator behind both."""

    def __init__(
        self, hass: HomeAssistant, virtual: VirtualTime, particle: ParticleControl
    ) -> None:
        """Begin without the home."""
        self.hass = hass
        self.virtual = virtual
        self.particle = particle

    @property
    def now(self) -> datetime:
        """Return the time."""
        return self.virtual.now

    async def add(self) -> None:
        """Add the home by its Efergy meter, and then the board as a submeter."""
        result = await submit(
            self.hass, await start(self.hass, "efergy"), token=MILL_TOKEN
        )
        form = await next_form(self.hass, result)
        await submit(self.hass, form, home="Mill Cottage", role="grid", name="Meter")

        form = await start(self.hass, "particle")
        flows, flow_id = self.hass.config_entries.flow, form["flow_id"]
        listening = await flows.async_configure(flow_id, {"token": PARTICLE_TOKEN})
        assert listening["type"] is FlowResultType.SHOW_PROGRESS
        await self.virtual.run(15 * SECOND)
        form = await next_form(self.hass, await flows.async_configure(flow_id))
        done = await submit(
            self.hass,
            form,
            home="Mill Cottage",
            role="submeter",
            name="Fridge and microwave",
        )
        assert done["reason"] == "assigned"

    async def begin(self) -> datetime:
        """Live until a slot is settled, and return its end."""
        boundary = self.now.replace(second=0, microsecond=0)
        boundary += SLOT - timedelta(minutes=boundary.minute % 5)
        await self.until(boundary + SETTLED)
        return boundary

    async def until(self, instant: datetime) -> None:
        """Live up to an instant."""
        await self.virtual.run(instant - self.now)

    def energy(self, entity_id: str = BOARD_ENERGY) -> float:
        """Return a total in kWh."""
        return float(state_of(self.hass, entity_id))

    def published(self, from_: datetime, to: datetime) -> float:
        """Return the energy in kWh of all that the board published in [from_, to)."""
        kwh: float = self.particle.truth(from_=from_, to=to)["published_kwh"]
        return kwh

    def grid(self, from_: datetime, to: datetime) -> float:
        """Return the energy in kWh that the home's own meter published in [from_, to)."""
        readings = self.particle.simulator.published(
            GRID, from_ - MINUTE, min(to + MINUTE, self.now)
        )
        begin_ms, end_ms = to_ms(from_), to_ms(to)
        total = 0.0
        for (before_ms, _), (at_ms, watts) in pairwise(readings):
            inside_ms = min(at_ms, end_ms) - max(before_ms, begin_ms)
            total += watts * max(inside_ms, 0)
        return total / 3.6e9


@pytest.fixture
async def mill(
    recorder_mock: Recorder,
    hass: HomeAssistant,
    virtual: VirtualTime,
    particle: ParticleControl,
) -> MillCottage:
    """Return the home, all of which was added by its flows.

    By now the vendor's history has told the slot in which its grid meter began.
    """
    mill = MillCottage(hass, virtual, particle)
    await mill.add()
    await virtual.run(20 * MINUTE)
    return mill


async def test_energy_agrees_after_three_cuts(mill: MillCottage) -> None:
    """What the board published is what its meter counted, and the home counted none of it."""
    begin = await mill.begin()
    board, home = mill.energy(), mill.energy(HOME_ENERGY)
    for minutes in (7, 13, 24):
        await mill.until(begin + minutes * MINUTE)
        mill.particle.cut()
    end = begin + timedelta(minutes=30)
    await mill.until(end + SETTLED)

    assert len(mill.particle.opened()) == 5
    published = mill.published(begin, end)
    assert mill.energy() - board == pytest.approx(published, rel=AGREES)
    assert published > 0.01
    grid = mill.grid(begin, end)
    assert mill.energy(HOME_ENERGY) - home == pytest.approx(grid, rel=AGREES)
    assert float(state_of(mill.hass, HOME_POWER)) == pytest.approx(
        mill.particle.simulator.published(GRID)[-1][1], abs=1
    )


async def test_cut_again_and_again(mill: MillCottage) -> None:
    """A stream that lives for a minute at most is opened again each time, within reason."""
    begin = await mill.begin()
    before = len(mill.particle.opened())
    for _ in range(10):
        await mill.virtual.run(50 * SECOND)
        mill.particle.cut()
    await mill.virtual.run(10 * SECOND)
    assert 10 <= len(mill.particle.opened()) - before <= 11
    assert mill.now - begin > 8 * MINUTE


@pytest.mark.parametrize(
    "silence",
    [
        timedelta(minutes=10),
        pytest.param(timedelta(hours=8), marks=pytest.mark.slow),
    ],
)
async def test_a_stream_that_falls_silent(
    mill: MillCottage, silence: timedelta, caplog: pytest.LogCaptureFixture
) -> None:
    """It is noticed, nothing is invented for that time, and all goes on as before."""
    begin = await mill.begin()
    await mill.until(begin + 7 * MINUTE)
    board, home = mill.energy(), mill.energy(HOME_ENERGY)
    mill.particle.silence(for_=silence)
    quiet = mill.now
    before = len(mill.particle.opened())
    await mill.virtual.run(silence - SECOND)
    assert state_of(mill.hass, BOARD_POWER) == STATE_UNAVAILABLE
    assert float(state_of(mill.hass, HOME_POWER)) > 0
    opened = [at for at in mill.particle.opened() if at > quiet]
    assert len(opened) >= 1
    # A seventh of what the vendor allows.
    assert len(opened) <= silence / (5 * MINUTE) * 15 + 1
    assert len(mill.particle.opened()) - before == len(opened)

    heard = quiet + silence
    end = begin + 7 * MINUTE + silence + 5 * SLOT
    end -= timedelta(minutes=end.minute % 5)
    await mill.until(end + SETTLED)
    assert float(state_of(mill.hass, BOARD_POWER)) > 5
    # The stream that was given up last may be opened again a little later.
    back = min((at for at in mill.particle.opened() if at > heard), default=heard)
    assert back < heard + 2 * SLOT
    slots = mill.particle.truth(from_=begin, to=end)["slots"]
    first = to_ms(quiet) // 300_000
    # Whether the slot is whole in which it speaks again depends on when it was opened.
    candidates = [
        sum(
            kwh
            for start_ms, kwh in slots[1:]
            if not first <= start_ms // 300_000 <= last
        )
        for last in range(
            to_ms(heard) // 300_000, (to_ms(back) + 60_000) // 300_000 + 1
        )
    ]
    assert min(candidates) > 0
    # The first of them was settled before.
    grown = mill.energy() - board
    assert any(grown == pytest.approx(kwh, rel=AGREES) for kwh in candidates)
    grid = mill.grid(begin + SLOT, end)
    assert mill.energy(HOME_ENERGY) - home == pytest.approx(grid, rel=AGREES)
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]


async def test_a_token_that_expires_in_the_middle(mill: MillCottage) -> None:
    """The stream merely ends: a new token is asked for, nothing is hammered, all goes on."""
    begin = await mill.begin()
    expiry = begin + 7 * MINUTE
    mill.particle.expire(at=expiry)
    await mill.until(expiry + MINUTE)
    (flow,) = mill.hass.config_entries.flow.async_progress_by_handler(
        DOMAIN, match_context={"source": SOURCE_REAUTH}
    )
    assert state_of(mill.hass, BOARD_POWER) == STATE_UNAVAILABLE
    assert float(state_of(mill.hass, HOME_POWER)) > 0
    calls = mill.particle.calls()
    await mill.virtual.run(15 * MINUTE)
    assert mill.particle.calls() == calls

    board = mill.energy()
    mill.particle.token(NEW_TOKEN, owner="keeper@example.com")
    result = await mill.hass.config_entries.flow.async_configure(
        flow["flow_id"], {"token": NEW_TOKEN}
    )
    assert result["reason"] == "reauth_successful"
    again = await mill.begin()
    end = again + 2 * SLOT
    await mill.until(end + SETTLED)
    assert mill.energy() - board == pytest.approx(
        mill.published(again, end), rel=AGREES
    )
    assert mill.particle.calls(NEW_TOKEN)["events"] == 1
