"""What an installation has lived through before its folder is kept: every kind of part.

Everything is set up as a user does it, by flows and actions.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import aiohttp
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigEntry,
    ConfigSubentry,
)
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import area_registry as ar, entity_registry as er
from pytest_homeassistant_custom_component.common import MockConfigEntry

from simulator.scenario import NETATMO_USER
from tests.builders import netatmo_credential
from tests.flows.helpers import next_form, start, submit
from tests.netatmo_control import NetatmoControl
from tests.particle_control import PARTICLE_TOKEN, ParticleControl
from tests.simulator_client import ELM_TOKEN, MILL_TOKEN, TERRACE_TOKEN

from .running import DAEMON, DOMAIN, FRIDGE, LOFT, Running, call_board

MINUTE: Final = timedelta(minutes=1)
STEP: Final = timedelta(seconds=10)
"""Timers may fire so late, where nothing happens for a while."""

ELM: Final = "Elm Street"
MILL: Final = "Mill Cottage"
TERRACE: Final = "Terrace"
HARBOUR: Final = "Harbour Flat"
SHED: Final = "Shed"
FIRST_DAY: Final = "2026-11-16"
"""From here on history is imported."""
SECOND_DAY: Final = "2026-11-18"
"""The day on which meters are replaced."""


class Life:
    """Does to a Home Assistant what its user does."""

    def __init__(self, run: Running) -> None:
        """Take a Home Assistant that runs."""
        self.run = run
        self.hass = run.hass

    # Flows

    def entry(self, title: str) -> ConfigEntry:
        """Return an entry of ours by its title."""
        (entry,) = (
            entry
            for entry in self.hass.config_entries.async_entries(DOMAIN)
            if entry.title == title
        )
        return entry

    def entries(self, kind: str) -> list[ConfigEntry]:
        """Return the entries of a kind."""
        return [
            entry
            for entry in self.hass.config_entries.async_entries(DOMAIN)
            if entry.data["kind"] == kind
        ]

    async def assign(self, unique_id_end: str, **fields: Any) -> None:
        """Answer a discovered item."""
        for flow in self.hass.config_entries.flow.async_progress_by_handler(DOMAIN):
            if str(flow["context"].get("unique_id")).endswith(unique_id_end):
                form = await self.hass.config_entries.flow.async_configure(
                    flow["flow_id"]
                )
                result = await submit(self.hass, form, **fields)
                assert result["type"] is FlowResultType.CREATE_ENTRY or (
                    result["reason"] == "assigned"
                ), result
                return
        raise AssertionError(f"{unique_id_end} is not discovered")

    async def subentry(
        self,
        entry: ConfigEntry,
        kind: str,
        *steps: Mapping[str, Any],
        change: ConfigSubentry | None = None,
    ) -> Mapping[str, Any]:
        """Go through a flow of a part of an entry; return how it ended."""
        flows = self.hass.config_entries.subentries
        context: Any = {"source": SOURCE_USER}
        if change is not None:
            context = {
                "source": SOURCE_RECONFIGURE,
                "subentry_id": change.subentry_id,
            }
        result = await flows.async_init((entry.entry_id, kind), context=context)
        for step in steps:
            result = await flows.async_configure(result["flow_id"], dict(step))
            if result["type"] is FlowResultType.SHOW_PROGRESS:
                await self.run.live(40 * MINUTE / 60)
                result = await flows.async_configure(result["flow_id"])
            assert not result.get("errors"), result
        await self.run.settle()
        return result

    def part(self, home: str, title: str) -> ConfigSubentry:
        """Return a part of a home."""
        (part,) = (
            part for part in self.entry(home).subentries.values() if part.title == title
        )
        return part

    # What there is

    async def efergy(self, token: str, home: str, **fields: Any) -> None:
        """Add an Efergy account, and a home with its first meter."""
        form = await start(self.hass, "efergy")
        result = await submit(self.hass, form, token=token)
        await submit(self.hass, await next_form(self.hass, result), home=home, **fields)
        await self.run.settle()

    async def netatmo(self) -> None:
        """Add a Netatmo account and both of its homes."""
        netatmo = NetatmoControl(self.run.simulator)
        await netatmo_credential(self.hass)
        # Tokens are renewed within what is lived here.
        netatmo.settings(approves=NETATMO_USER, access_s=3600)
        # The vendor sends people back by way of that page.
        self.hass.config.components.add("my")
        step = await start(self.hass, "netatmo")
        step = await submit(self.hass, step, implementation=DOMAIN)
        self.hass.config.components.remove("my")
        assert step["type"] is FlowResultType.EXTERNAL_STEP, step
        address = urlsplit(step["url"])
        query = urlencode([*parse_qsl(address.query), ("auto", "1")])
        async with aiohttp.ClientSession() as browser:
            async with browser.get(
                address._replace(query=query).geturl(), allow_redirects=False
            ) as response:
                back = urlsplit(response.headers["Location"])
            url = self.run.url(f"/auth/external/callback?{back.query}")
            async with browser.get(url) as response:
                assert response.ok
        flows = self.hass.config_entries.flow
        await flows.async_configure(step["flow_id"])
        await self.run.settle()
        for home in (ELM, MILL):
            await self.assign(
                netatmo.home_id(home), home=home, name="Heating", import_from=FIRST_DAY
            )
            await self.run.settle()

    async def particle(self) -> None:
        """Add a Particle account: a board is a meter, another one a host of sensors."""
        flows = self.hass.config_entries.flow
        flow_id = (await start(self.hass, "particle"))["flow_id"]
        await flows.async_configure(flow_id, {"token": PARTICLE_TOKEN})
        await self.run.live(15 * MINUTE / 60)
        await flows.async_configure(flow_id)
        await self.run.live(MINUTE)
        control = ParticleControl(self.run.simulator)
        fridge, loft = control.device_id(FRIDGE), control.device_id(LOFT)
        await self.assign(f"_{fridge}", home=MILL, role="submeter", name="Fridge")
        (account,) = self.entries("particle")
        plain = {"noise_floor": 0, "scale": 1, "offset": 0, "power_factor": 1}
        await self.subentry(
            account,
            "particle_board",
            {"board_id": loft},
            {"sent": ["P2P_State_of_Charge", "attic"]},
            {"quantity": "percentage", "name": "Battery", **plain},
            {"quantity": "temperature", "name": "Attic", **plain},
        )
        await self.run.live(MINUTE)
        await self.assign(f"{loft}.sensors", home=ELM, name="Loft")

    async def board(self) -> None:
        """Add a pulse board with two channels and a daemon that reports to it."""
        form = await start(self.hass, "pulse_board")
        form = await submit(self.hass, form, name="Cellar board", channels=["1", "2"])
        result = await submit(self.hass, form)
        form = await next_form(self.hass, result)
        await submit(
            self.hass, form, home=HARBOUR, role="grid", name="Electricity meter"
        )
        (board,) = self.entries("pulse_board")
        await self.assign("_2", home=HARBOUR, role="submeter", name="Kitchen")
        await self.call_board(announced=True)
        await self.run.live(2 * MINUTE)
        await self.assign(DAEMON, home=HARBOUR, name="Climate")
        assert board.data["secret"]

    async def call_board(self, *, announced: bool) -> None:
        """Let the board and the daemon call this Home Assistant."""
        await call_board(self.run, announced=announced)

    async def options(self, push_url: str) -> None:
        """Switch on all that a board can do."""
        # Another integration's: its broker is not there, and nobody asks for it.
        MockConfigEntry(domain="mqtt", title="Broker").add_to_hass(self.hass)
        (board,) = self.entries("pulse_board")
        flows = self.hass.config_entries.options
        form = await flows.async_init(board.entry_id)
        result = await flows.async_configure(
            form["flow_id"],
            {
                "push_url": push_url,
                "push_nightly": True,
                "webhook_address": "192.168.1.20",
                "mqtt": True,
                "mqtt_prefix": "harbour",
            },
        )
        assert result["type"] is FlowResultType.CREATE_ENTRY, result
        await self.run.settle()
        await self.call_board(announced=False)

    async def entity_meter(self, home: str, entity: str, **fields: Any) -> None:
        """Add an entity as a meter to a home."""
        entry = self.entry(home)
        steps: list[dict[str, Any]] = [{"entity": entity, **fields}]
        result = await self.hass.config_entries.subentries.async_init(
            (entry.entry_id, "meter"), context={"source": SOURCE_USER}
        )
        if result["step_id"] == "user":
            steps.insert(0, {"meter": "entity"})
        self.hass.config_entries.subentries.async_abort(result["flow_id"])
        result_map = await self.subentry(entry, "meter", *steps)
        assert result_map["type"] is FlowResultType.CREATE_ENTRY, result_map

    async def replace(self, home: str, title: str, **fields: Any) -> None:
        """Put other hardware behind a meter from the second day on."""
        result = await self.subentry(
            self.entry(home),
            "meter",
            {"next_step_id": "replace"},
            {"since": SECOND_DAY, **fields},
            change=self.part(home, title),
        )
        assert result["reason"] == "replaced", result

    async def home(self, label: str) -> None:
        """Add a home without anything."""
        form = await start(self.hass, "home")
        await submit(self.hass, form, label=label, time_zone="Europe/London")

    async def call(self, action: str, *, answers: bool = False, **fields: Any) -> None:
        """Call an action of ours."""
        await self.hass.services.async_call(
            DOMAIN, action, fields, blocking=True, return_response=answers
        )
        await self.run.settle()


async def first_evening(run: Running, push_url: str) -> None:
    """Live from eleven in the evening: everything is added, and something goes wrong."""
    life, hass = Life(run), run.hass
    await life.efergy(
        ELM_TOKEN, ELM, role="grid", name="Electricity meter", import_from=FIRST_DAY
    )
    await life.assign("_710002", home=ELM, role="generation", name="Solar meter")
    await life.efergy(MILL_TOKEN, MILL, role="grid", name="Electricity meter")
    await life.efergy(TERRACE_TOKEN, TERRACE, role="grid", name="Electricity meter")
    await life.netatmo()
    await life.board()
    await life.particle()
    await life.options(push_url)
    await life.entity_meter(
        ELM, "sensor.workshop_clamp", role="submeter", name="Workshop"
    )
    await life.home(SHED)
    await life.entity_meter(SHED, "sensor.mill_dial", role="grid", name="Dial")
    await run.live(8 * MINUTE, STEP)

    # What people change.
    entities = er.async_get(hass)
    areas = ar.async_get(hass)
    entities.async_update_entity(
        "sensor.elm_street_power", new_entity_id="sensor.whole_house"
    )
    entities.async_update_entity("sensor.whole_house", name="The whole house")
    entities.async_update_entity(
        "sensor.mill_cottage_energy", area_id=areas.async_create("Landing").id
    )
    entities.async_update_entity(
        "sensor.harbour_flat_kitchen_power", disabled_by=er.RegistryEntryDisabler.USER
    )
    await run.live(2 * MINUTE, STEP)
    await life.call(
        "set_setpoint", home=[ELM], room="Kitchen", mode="manual", temperature=22.5
    )
    await life.call("set_setpoint", home=[MILL], room="Hall", mode="max", minutes=600)
    number = next(
        entity.entity_id
        for entity in entities.entities.values()
        if entity.platform == DOMAIN and entity.domain == "number"
    )
    await life.call("set_meter_reading", meter=number, reading=3362.79)

    # A gap, which is repaired.
    run.simulator.fault("http_503", token=ELM_TOKEN)
    await run.live(11 * MINUTE, STEP)
    run.simulator.clear_faults()
    await run.live(16 * MINUTE, STEP)

    # Periods, which the ledger keeps once they were asked for.
    await life.call(
        "get_periods",
        answers=True,
        home=[ELM, MILL],
        start="2026-11-17 20:00:00",
        end="2026-11-17 23:15:00",
    )

    # A home that goes, and an account whose home stays.
    await hass.config_entries.async_remove(life.entry(SHED).entry_id)
    (terrace,) = (e for e in life.entries("efergy") if e.data["token"] == TERRACE_TOKEN)
    await hass.config_entries.async_remove(terrace.entry_id)
    await run.settle()
    # Over midnight, when readings are pushed.
    await run.live(24 * MINUTE, STEP)


async def next_day(run: Running) -> None:
    """Live from midnight on: meters are replaced."""
    life = Life(run)
    await life.call_board(announced=True)
    await run.live(5 * MINUTE, STEP)
    await life.replace(
        MILL, "Electricity meter", meter="entity", entity="sensor.mill_dial"
    )
    await life.replace(
        ELM, "Workshop", meter="entity", entity="sensor.new_workshop_clamp"
    )
    await life.call_board(announced=False)
    await run.live(22 * MINUTE, STEP)
