"""A Netatmo account's conversation with its cloud, and what can go wrong with it."""

from datetime import timedelta
import json
import logging
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import get_system_health_info
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.energy_homes.accounts.netatmo.applications import app_budget
from custom_components.energy_homes.accounts.registry import (
    DATA_ACCOUNTS,
    AccountState,
    HeatingUpdate,
)
from custom_components.energy_homes.clouds.errors import CloudAuthError
from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.heating.model import HomeMode
from tests.accounts.netatmo.world import (
    ELM,
    HOUR,
    MILL,
    MINUTE,
    SECOND,
    STATUS,
    TOPOLOGY,
    Front,
    World,
)
from tests.builders import netatmo_credential
from tests.netatmo_control import NETATMO_CLIENT_ID, NETATMO_USER
from tests.simulator_client import to_ms


async def test_homes_are_asked_at_once(world: World) -> None:
    """Every home that is followed has its status within seconds of the start."""
    await world.start(ELM, MILL)
    await world.virtual.run(10 * SECOND)
    assert world.netatmo.calls() == {TOPOLOGY: 1, STATUS: 2}
    for home in (ELM, MILL):
        newest = world.newest(home)
        assert newest.state is AccountState.CONNECTED
        assert newest.topology is not None
        assert newest.topology.name == home
        assert newest.status is not None
        assert set(newest.status.rooms) == set(world.netatmo.rooms(home).values())
        assert not newest.gone
    hub = world.hub
    now = world.virtual.now
    assert hub.calls_last_hour == hub.budget.app_used(now) == 3
    assert hub.budget.left(now) == 497
    assert hub.polls.last_success == world.newest(MILL).status_at
    assert hub.title == world.entry.title
    assert hub.data.homes == hub.homes


async def test_home_that_nobody_uses_costs_nothing(world: World) -> None:
    """Only homes that are followed are polled; a new one is asked soon."""
    await world.start()
    await world.virtual.run(50 * MINUTE)
    assert world.netatmo.calls() == {TOPOLOGY: 1}
    stop = world.follow(ELM)
    assert world.newest(ELM).topology is not None
    await world.virtual.run(2 * SECOND)
    assert world.netatmo.calls() == {TOPOLOGY: 1, STATUS: 1}
    assert world.newest(ELM).status is not None
    stop()
    await world.virtual.run(5 * MINUTE)
    assert world.netatmo.calls() == {TOPOLOGY: 1, STATUS: 1}


async def test_topology_comes_hourly(world: World) -> None:
    """A room that somebody adds is known within an hour."""
    await world.start(MILL)
    world.netatmo.add_room(MILL, {"name": "Attic"})
    await world.virtual.run(HOUR + 15 * MINUTE)
    assert world.netatmo.calls()[TOPOLOGY] == 2
    topology = world.newest(MILL).topology
    assert topology is not None
    assert "Attic" in {room.name for room in topology.rooms}


# One for each kind of trouble: which kind a reply is of the client's own tests tell,
# tests/clouds/test_netatmo_simulator.py and test_netatmo_errors.py. That a status tells
# nothing of a home that is heated only its account can know.
OUTAGES = ["http_503", "wrong_type", "no_body"]


async def test_quota(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """A call limit is waited for, longer and longer, and changes nothing that is shown.

    It is no reason to sign in again, and is logged once when it begins and once at its end.
    """
    await world.running(ELM)
    known = world.newest(ELM).status
    caplog.clear()
    begin = world.mark()
    world.simulator.fault("usage_403")
    await world.virtual.run(HOUR)
    assert world.state() is AccountState.QUOTA
    assert world.newest(ELM).state is AccountState.QUOTA
    assert world.newest(ELM).status is known
    assert 3 <= len(world.calls(begin)) <= 8
    assert world.hub.last_update_success
    assert world.reauths() == 0
    world.simulator.clear_faults()
    await world.virtual.run(31 * MINUTE)
    assert world.state() is AccountState.CONNECTED
    assert world.states(ELM)[-3:] == [
        AccountState.CONNECTED,
        AccountState.QUOTA,
        AccountState.CONNECTED,
    ]
    assert world.newest(ELM).status is not known
    logged = [r.levelname for r in caplog.records if "call limit" in r.message]
    assert logged == ["WARNING", "INFO"]


async def test_quota_says_how_long(world: World) -> None:
    """What the vendor asks to wait is waited."""
    await world.running(ELM)
    world.netatmo.quotas(user_hour=0, retry_after_s=2400)
    begin = world.mark()
    await world.virtual.run(40 * MINUTE)
    (refused_s,) = world.calls(begin)
    await world.virtual.run(5 * MINUTE)
    (_, again_s) = world.calls(begin)
    assert 2400 <= again_s - refused_s <= 2401


@pytest.mark.parametrize("fault", OUTAGES)
async def test_hiccup(world: World, fault: str) -> None:
    """One call that fails is made again soon, once, and darkens nothing."""
    await world.running(ELM)
    known = world.newest(ELM).status
    world.simulator.fault(fault, STATUS, count=1)
    begin = world.mark()
    await world.virtual.run(6 * MINUTE)
    assert world.states(ELM) == [AccountState.CONNECTED]
    calls = world.calls(begin)
    assert 10 <= calls[1] - calls[0] <= 31
    assert len(calls) <= 6
    assert world.newest(ELM).status is not known
    assert world.reauths() == 0


@pytest.mark.parametrize("fault", OUTAGES)
async def test_outage(
    world: World, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    """A cloud that does not answer is an outage after some attempts, one call for each.

    Homes are told, the entry stays loaded, and all of them are asked as soon as it is over.
    """
    await world.running(ELM, MILL)
    caplog.clear()
    begin = world.mark()
    world.simulator.fault(fault)
    await world.virtual.run(12 * MINUTE)
    assert world.state() is AccountState.OUTAGE
    assert world.newest(ELM).state is AccountState.OUTAGE
    assert not world.hub.last_update_success
    await world.virtual.run(48 * MINUTE)
    calls = world.calls(begin)
    # 24 where chance has every wait as short as it may be.
    assert len(calls) <= 24
    assert world.reauths() == 0
    world.simulator.clear_faults()
    await world.virtual.run(16 * MINUTE)
    assert world.state() is AccountState.CONNECTED
    for home in (ELM, MILL):
        assert world.newest(home).state is AccountState.CONNECTED
        status_at = world.newest(home).status_at
        assert status_at is not None
        assert world.virtual.now - status_at < 5 * MINUTE
    logged = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert [r.levelname for r in logged if r.name.startswith("custom_")] == ["ERROR"]
    assert "recovered" in caplog.text


async def test_outage_is_seen_soon(world: World) -> None:
    """From the first call that fails it takes about a minute to call it an outage."""
    await world.running(ELM)
    begin = world.mark()
    world.simulator.fault("http_503")
    await world.virtual.run(135 * SECOND)
    failed_s = world.calls(begin)[0]
    end = begin + timedelta(seconds=failed_s) + 95 * SECOND
    await world.virtual.run(max(end - world.virtual.now, SECOND))
    assert world.state() is AccountState.OUTAGE


async def test_time_out(world: World) -> None:
    """A cloud that does not answer at all is away like any other."""
    await world.running(ELM)
    world.simulator.fault("timeout")
    await world.virtual.run(8 * MINUTE)
    assert world.state() is AccountState.OUTAGE
    world.simulator.clear_faults()
    await world.virtual.run(16 * MINUTE)
    assert world.state() is AccountState.CONNECTED


@pytest.mark.parametrize("fault", ["gateway_error", "bare_rooms"])
async def test_gateway_off_is_no_outage(world: World, fault: str) -> None:
    """A home whose gateway is off is told of as it is; nothing else changes."""
    await world.running(ELM)
    world.simulator.fault(fault, STATUS)
    begin = world.mark()
    await world.virtual.run(HOUR)
    assert world.states(ELM) == [AccountState.CONNECTED]
    status = world.newest(ELM).status
    assert status is not None
    assert not any(room.reachable for room in status.rooms.values())
    assert len(world.calls(begin)) <= 32


@pytest.mark.parametrize(
    ("method", "fault"),
    [
        ("", "app_deactivated"),
        ("", "scope"),
        ("token", "invalid_grant"),
    ],
)
async def test_refused_credentials(
    world: World, caplog: pytest.LogCaptureFixture, method: str, fault: str
) -> None:
    """Where the vendor refuses the credentials in its own words a person is asked, once."""
    await world.running(ELM)
    known = world.newest(ELM).status
    caplog.clear()
    world.simulator.fault(fault, method or None)
    world.netatmo.expire()
    begin = world.mark()
    await world.virtual.run(6 * MINUTE)
    assert world.state() is AccountState.AUTH
    assert world.newest(ELM).state is AccountState.AUTH
    assert world.newest(ELM).status is known
    assert world.reauths() == 1
    calls = world.calls(begin)
    await world.virtual.run(2 * HOUR)
    assert world.calls(begin) == calls
    assert world.reauths() == 1
    assert world.hub.budget.left(world.virtual.now) > 480
    with pytest.raises(CloudAuthError):
        await world.set_room(ELM, "Kitchen", 21)
    assert world.calls(begin) == calls


async def test_credentials_refused_at_the_start(world: World) -> None:
    """The entry asks for a person and makes no further call."""
    world.simulator.fault("app_deactivated")
    await world.start()
    assert world.entry.state is ConfigEntryState.SETUP_ERROR
    assert world.reauths() == 1
    assert world.netatmo.calls() == {TOPOLOGY: 1}
    await world.virtual.run(HOUR)
    assert world.netatmo.calls() == {TOPOLOGY: 1}


@pytest.mark.parametrize("fault", ["http_503", "wrong_type", "invalid_argument"])
async def test_outage_at_the_start(world: World, fault: str) -> None:
    """The entry is set up again later; a home that waits hears of it then."""
    world.simulator.fault(fault)
    await world.start(ELM)
    assert world.entry.state is ConfigEntryState.SETUP_RETRY
    assert world.entry.error_reason_translation_key == "account_outage"
    assert world.states(ELM) == [None]
    world.simulator.clear_faults()
    await world.virtual.run(2 * MINUTE)
    assert world.states(ELM) == [None, AccountState.CONNECTED]
    assert world.newest(ELM).status is not None


async def test_quota_at_the_start(world: World) -> None:
    """An account that may not ask waits with what the last run knew; commands go on."""
    await world.running(ELM)
    await world.hass.config_entries.async_unload(world.entry.entry_id)
    assert world.newest(ELM) == HeatingUpdate(state=None)
    world.simulator.fault("usage_403", TOPOLOGY)
    await world.set_up()
    assert world.state() is AccountState.QUOTA
    newest = world.newest(ELM)
    assert newest.state is AccountState.QUOTA
    assert newest.topology is not None
    assert newest.topology == world.heard[ELM][0].topology
    assert newest.topology.schedule is not None
    assert newest.topology_asked_at is None
    assert not newest.gone
    assert await world.set_room(ELM, "Kitchen", 22.5)
    assert world.netatmo.setpoint(ELM, "Kitchen")[1] == 22.5


async def test_first_start_within_a_quota(world: World) -> None:
    """An account that has never asked loads all the same, and finds its homes later."""
    world.simulator.fault("usage_429")
    await world.start(ELM)
    assert world.state() is AccountState.QUOTA
    assert world.hub.homes == {}
    assert world.newest(ELM) == HeatingUpdate(state=AccountState.QUOTA)
    world.simulator.clear_faults()
    await world.virtual.run(5 * MINUTE)
    assert world.newest(ELM).state is AccountState.CONNECTED
    assert world.newest(ELM).topology is not None


async def test_start_where_our_own_limit_is_reached(world: World) -> None:
    """Calls are counted across a reload; an account that may make none waits."""
    await world.running(ELM)
    assert world.entry.unique_id is not None
    budget = app_budget(world.hass, NETATMO_CLIENT_ID).user(world.entry.unique_id)
    for _ in range(400):
        budget.record(world.virtual.now)
    begin = world.mark()
    await world.hass.config_entries.async_reload(world.entry.entry_id)
    assert world.state() is AccountState.QUOTA
    assert world.newest(ELM).topology is not None
    await world.virtual.run(30 * MINUTE)
    assert world.calls(begin) == []
    await world.virtual.run(40 * MINUTE)
    assert world.state() is AccountState.CONNECTED


@pytest.mark.heavy
async def test_token_that_expires(world: World) -> None:
    """Tokens that end in the middle are refreshed; nobody notices."""
    await world.running(ELM, MILL)
    world.netatmo.expire()
    begin = world.mark()
    await world.virtual.run(10 * MINUTE)
    assert world.calls(begin, "token") == [world.calls(begin)[0]]
    assert world.states(ELM) == [AccountState.CONNECTED]
    assert world.hub.calls_last_hour == sum(world.netatmo.calls().values()) - 1
    await world.virtual.run(7 * HOUR)
    assert world.states(ELM) == [AccountState.CONNECTED]


async def test_token_endpoint_over_its_quota(world: World) -> None:
    """A token that cannot be refreshed for a quota is waited for."""
    await world.running(ELM)
    world.simulator.fault("usage_403", "token")
    world.netatmo.expire()
    await world.virtual.run(10 * MINUTE)
    assert world.state() is AccountState.QUOTA
    assert world.reauths() == 0
    world.simulator.clear_faults()
    await world.virtual.run(HOUR)
    assert world.state() is AccountState.CONNECTED


async def test_fresh_tokens_are_refused(world: World) -> None:
    """A fresh token that is not taken once is bad luck; again and again needs a person."""
    await world.running(ELM)
    world.simulator.fault("token_expired", STATUS, count=2)
    begin = world.mark()
    await world.virtual.run(10 * MINUTE)
    assert len(world.calls(begin, "token")) == 1
    assert world.states(ELM) == [AccountState.CONNECTED]
    world.simulator.fault("token_expired", STATUS)
    await world.virtual.run(10 * MINUTE)
    assert world.state() is AccountState.AUTH
    assert world.reauths() == 1
    assert len(world.calls(begin, "token")) == 4


async def test_home_that_is_removed(world: World) -> None:
    """A home that the account has no longer is gone; the other goes on."""
    await world.running(ELM, MILL)
    elm = world.newest(ELM)
    updates, mill = world.heard[ELM], world.netatmo.home_id(MILL)
    begin = world.mark()
    world.netatmo.home(ELM, "remove")
    await world.virtual.run(6 * MINUTE)
    assert updates[-1].gone
    assert updates[-1].state is AccountState.CONNECTED
    assert updates[-1].topology is None
    assert updates[-1].status is elm.status
    assert set(world.hub.homes) == {mill}
    assert len(world.calls(begin, TOPOLOGY)) == 1
    assert not world.newest(MILL).gone
    begin = world.mark()
    await world.virtual.run(HOUR)
    assert len(world.calls(begin, STATUS)) <= 29
    assert {s for stamp, *_, s in world.netatmo.log() if stamp > to_ms(begin)} == {200}


async def test_home_that_is_refused(world: World) -> None:
    """A home that the cloud refuses is away after a while, and the account is not."""
    await world.running(ELM)
    world.simulator.fault("device_not_found", STATUS)
    begin = world.mark()
    await world.virtual.run(HOUR)
    assert world.states(ELM) == [AccountState.CONNECTED, AccountState.OUTAGE]
    assert world.state() is AccountState.CONNECTED
    assert len(world.calls(begin, STATUS)) <= 12
    assert len(world.calls(begin, TOPOLOGY)) <= 3
    assert world.reauths() == 0
    world.simulator.clear_faults()
    await world.virtual.run(16 * MINUTE)
    assert world.newest(ELM).state is AccountState.CONNECTED


async def test_one_home_that_does_not_answer(
    world: World, front: Front, caplog: pytest.LogCaptureFixture
) -> None:
    """A home whose status never comes is away; the account and the other home are not."""
    await world.running(ELM, MILL)
    front.broken = world.netatmo.home_id(ELM)
    begin = world.mark()
    caplog.clear()
    await world.virtual.run(HOUR)
    assert world.states(ELM) == [AccountState.CONNECTED, AccountState.OUTAGE]
    assert world.states(MILL) == [AccountState.CONNECTED]
    assert world.state() is AccountState.CONNECTED
    assert 4 <= front.failures <= 12
    status_at = world.newest(MILL).status_at
    assert status_at is not None
    assert world.virtual.now - status_at < 6 * MINUTE
    assert 10 <= len(world.calls(begin, STATUS)) <= 40
    logged = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert [r for r in logged if r.name.startswith("custom_")] == []
    front.broken = None
    await world.virtual.run(16 * MINUTE)
    assert world.newest(ELM).state is AccountState.CONNECTED
    assert world.newest(ELM).status is not None


async def test_homes_without_a_list(world: World) -> None:
    """A reply that lists no homes makes none of them gone; it is asked for again."""
    await world.running(ELM)
    homes = world.hub.homes
    world.simulator.fault("body_empty", TOPOLOGY)
    await world.virtual.run(2 * HOUR)
    assert world.hub.homes == homes
    assert not world.newest(ELM).gone
    assert world.states(ELM) == [AccountState.CONNECTED]
    assert 4 <= world.netatmo.calls()[TOPOLOGY] <= 16
    world.simulator.clear_faults()
    world.netatmo.add_home(NETATMO_USER, {"name": "New house", "history_days": 1})
    await world.virtual.run(16 * MINUTE)
    assert world.netatmo.home_id("New house") in world.hub.homes


async def test_mode_is_changed_elsewhere(world: World) -> None:
    """Rooms that do not do what the home's mode says have the topology asked, once."""
    await world.running(ELM)
    begin = world.mark()
    world.netatmo.home(ELM, "mode", mode="away")
    await world.virtual.run(5 * MINUTE + 10 * SECOND)
    topology = world.newest(ELM).topology
    assert topology is not None
    assert topology.mode is HomeMode.AWAY
    assert len(world.calls(begin, TOPOLOGY)) == 1
    world.netatmo.home(ELM, "mode", mode="schedule")
    await world.virtual.run(5 * MINUTE + 10 * SECOND)
    topology = world.newest(ELM).topology
    assert topology is not None
    assert topology.mode is HomeMode.SCHEDULE
    assert len(world.calls(begin, TOPOLOGY)) == 2


async def test_account_is_unloaded_and_loaded(
    world: World, hass_storage: dict[str, Any]
) -> None:
    """Homes hear of an account that goes and comes; calls are counted on, credentials not kept."""
    await world.running(ELM)
    made = world.hub.calls_last_hour
    assert made == sum(world.netatmo.calls().values())
    await world.hass.config_entries.async_unload(world.entry.entry_id)
    assert world.newest(ELM) == HeatingUpdate(state=None)
    calls = sum(world.netatmo.calls().values())
    await world.virtual.run(10 * MINUTE)
    assert sum(world.netatmo.calls().values()) == calls
    stored = hass_storage[f"{DOMAIN}.account.{world.entry.entry_id}"]["data"]
    assert len(stored["budget"]["calls_ms"]) == made
    assert world.entry.data["token"]["access_token"] not in str(stored)
    await world.set_up()
    assert world.newest(ELM).state is AccountState.CONNECTED
    await world.virtual.run(5 * SECOND)
    assert world.hub.calls_last_hour == made + 2
    assert world.newest(ELM).status is not None
    await world.hass.config_entries.async_remove(world.entry.entry_id)
    await world.hass.async_block_till_done()
    assert f"{DOMAIN}.account.{world.entry.entry_id}" not in hass_storage


async def test_polling_switched_off(world: World) -> None:
    """Whoever switches polling off has no polls, but commands."""
    await netatmo_credential(world.hass)
    await world.start(ELM)
    world.hass.config_entries.async_update_entry(world.entry, pref_disable_polling=True)
    await world.hass.config_entries.async_reload(world.entry.entry_id)
    await world.hass.async_block_till_done()
    begin = world.mark()
    await world.virtual.run(HOUR)
    assert await world.set_room(ELM, "Kitchen", 22.5)
    await world.virtual.run(HOUR)
    assert world.calls(begin, STATUS) == []


async def test_listener_that_fails(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A home that cannot take its news does not keep them from the others."""

    def fail(update: HeatingUpdate) -> None:
        """Fail with everything but the first update."""
        _ = 1 / (update.status is None)

    await world.start(MILL)
    assert world.entry.unique_id is not None
    world.hass.data[DATA_ACCOUNTS].subscribe_heating(
        world.entry.unique_id, world.netatmo.home_id(ELM), fail
    )
    await world.virtual.run(10 * MINUTE)
    assert "A home did not take" in caplog.text
    assert world.state() is AccountState.CONNECTED
    assert world.newest(MILL).status is not None


async def test_refresh_by_hand(world: World) -> None:
    """Updating an entity by hand makes no call that is not due."""
    await world.running(ELM)
    begin = world.mark()
    await world.hub.async_refresh()
    assert world.calls(begin) == []
    world.simulator.fault("http_503")
    await world.virtual.run(12 * MINUTE)
    begin = world.mark()
    await world.hub.async_refresh()
    assert world.calls(begin) == []
    assert not world.hub.last_update_success


async def test_diagnostics_identify_nobody(
    world: World, hass_client: ClientSessionGenerator
) -> None:
    """They tell states, counters and sizes, and no token, id or name."""
    await world.running(ELM)
    found = await get_diagnostics_for_config_entry(world.hass, hass_client, world.entry)
    account = found["account"]
    assert account["state"] == "connected"
    assert account["calls_last_hour"] == world.hub.calls_last_hour
    assert account["troubles"] == {}
    by_followed = {home["interval_s"]: home for home in account["homes"].values()}
    assert by_followed[None]["status_age_s"] is None
    (elm,) = (home for interval, home in by_followed.items() if interval)
    assert elm["state"] == "connected"
    assert elm["status_age_s"] <= 1
    assert elm["rooms"] == elm["heated_rooms"] == elm["rooms_told"] == 4
    assert elm["modules"] == {"NAPlug": 1, "NATherm1": 1, "NRV": 3}
    assert elm["problems"] == []
    text = json.dumps(found)
    overview = world.netatmo.overview()["users"][NETATMO_USER]
    secrets = [*world.entry.data["token"].values(), overview["id"], "Elm", "Kitchen"]
    for home in overview["homes"]:
        secrets += [home["id"], *home["schedules"]]
        secrets += [part["id"] for part in (*home["rooms"], *home["modules"])]
    texts = [secret for secret in secrets if isinstance(secret, str)]
    assert [secret for secret in texts if secret in text] == []


async def test_system_health(world: World) -> None:
    """The system page tells whether Netatmo answers, where there is such an account."""
    assert await async_setup_component(world.hass, "system_health", {})
    await world.running(ELM)
    info = await get_system_health_info(world.hass, DOMAIN)
    assert info["accounts"] == 1
    assert info["calls_last_hour"] == world.hub.calls_last_hour
    assert await info["can_reach_netatmo"] == "ok"
    assert "can_reach_efergy" not in info
    await world.hass.config_entries.async_unload(world.entry.entry_id)
    assert "can_reach_netatmo" not in await get_system_health_info(world.hass, DOMAIN)
