"""The Efergy client over real HTTP."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
import logging
import traceback
from zoneinfo import ZoneInfo

import aiohttp
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest

from custom_components.energy_homes.accounts.efergy.hub import account_client
from custom_components.energy_homes.clouds.efergy.client import EfergyClient
from custom_components.energy_homes.clouds.efergy.models import EnergyPeriod
from custom_components.energy_homes.clouds.errors import (
    CloudAuthError,
    CloudError,
    CloudNonsenseError,
    CloudOutageError,
    CloudQuotaError,
    CloudRequestError,
)
from custom_components.energy_homes.metering.model import MeterRole
from simulator.faults import NOT_EFERGY, Fault
from tests.clouds.conftest import TOKEN, Cloud
from tests.patience import PATIENCE_S
from tests.simulator_client import ELM_TOKEN, SimulatorClient

START = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)

FAULTS: dict[str, type[CloudError]] = {
    "bad_token": CloudAuthError,
    "bad_token_capital": CloudAuthError,
    "daily_limit": CloudQuotaError,
    "method_failed": CloudOutageError,
    "bad_request": CloudRequestError,
    "no_household": CloudOutageError,
    "error_500_body": CloudOutageError,
    "html": CloudOutageError,
    "empty_body": CloudOutageError,
    "wrong_type": CloudNonsenseError,
    "http_500": CloudOutageError,
    "http_503": CloudOutageError,
    "timeout": CloudOutageError,
    "cut": CloudOutageError,
    "garbage": CloudNonsenseError,
    "connection_reset": CloudOutageError,
}


def client_of(
    simulator: SimulatorClient,
    session: aiohttp.ClientSession,
    timeout_s: float = PATIENCE_S,
) -> EfergyClient:
    """Return a client of Elm Street's account."""
    return EfergyClient(
        session, ELM_TOKEN, simulator.url, time_zone=lambda: UTC, timeout_s=timeout_s
    )


@pytest.fixture
def elm(simulator: SimulatorClient, session: aiohttp.ClientSession) -> EfergyClient:
    """Return a client of Elm Street's account in the simulator."""
    return client_of(simulator, session)


@pytest.mark.parametrize(("fault", "kind"), FAULTS.items())
async def test_each_fault_is_of_one_kind(
    simulator: SimulatorClient,
    session: aiohttp.ClientSession,
    elm: EfergyClient,
    caplog: pytest.LogCaptureFixture,
    fault: str,
    kind: type[CloudError],
) -> None:
    """Each fault raises its kind, and nobody learns the token from it."""
    caplog.set_level(logging.DEBUG)
    simulator.fault(fault)
    hasty = client_of(simulator, session, 0.1) if fault == "timeout" else elm
    for ask in (hasty.current_values, hasty.status, hasty.instant):
        with pytest.raises(CloudError) as caught:
            await ask()
        assert type(caught.value) is kind
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
        assert ELM_TOKEN not in "".join(traceback.format_exception(caught.value))
    assert ELM_TOKEN not in caplog.text
    assert ELM_TOKEN not in repr(elm)

    simulator.clear_faults()
    assert len(await elm.current_values()) == 3


async def test_faults_that_are_answers(
    simulator: SimulatorClient, elm: EfergyClient
) -> None:
    """No meter, no data, an old reading and a slow reply are answers."""
    ours = set(Fault) - NOT_EFERGY
    assert ours <= set(simulator.fault_names())
    assert ours - FAULTS.keys() == {
        "empty_list",
        "no_data",
        "stale",
        "byte_by_byte",
    }
    simulator.fault("empty_list", count=1)
    assert await elm.current_values() == ()
    simulator.fault("no_data", count=1)
    assert {value.power for value in await elm.current_values()} == {None}
    simulator.fault("stale", count=1)
    stale = await elm.current_values()
    assert all(value.age and value.age > timedelta(minutes=5) for value in stale)
    fresh = await elm.current_values()
    simulator.fault("byte_by_byte", count=1)
    assert await elm.current_values() == fresh


async def test_what_the_simulated_meters_published(
    simulator: SimulatorClient, elm: EfergyClient
) -> None:
    """Every meter's newest reading arrives as it was published."""
    values = {value.sid: value for value in await elm.current_values()}
    grid, solar = values["710001"], values["710002"]
    assert (grid.role, solar.role) == (MeterRole.GRID, MeterRole.GENERATION)
    for value in (grid, solar):
        assert value.at is not None
        stamp_ms, watts = simulator.published(value.sid)[-1]
        assert value.at == datetime.fromtimestamp(stamp_ms / 1000, UTC)
        assert value.power == watts
    assert values["0"].age is not None
    assert values["0"].age > timedelta(hours=1)
    instant = await elm.instant()
    assert (instant.at, instant.power) == (grid.at, grid.power)


async def test_history_calls(
    simulator: SimulatorClient, session: aiohttp.ClientSession
) -> None:
    """History agrees with what the control endpoint says was used."""
    elm = client_of(simulator, session)
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    start = now - timedelta(hours=2)
    truth = simulator.truth(start, now)["homes"]["Elm Street"]["meters"]["710001"]
    (meter,) = await elm.history(start, now, sid="710001")
    assert meter.units == "Wm"
    assert len(meter.points) == 120
    watt_minutes = sum(point.value or 0 for point in meter.points)
    assert watt_minutes / 60_000 == pytest.approx(truth["energy_kwh"], rel=0.001)
    energy = await elm.energy(start, now)
    assert energy.energy == pytest.approx(truth["energy_kwh"], abs=0.006)
    assert energy.duration == timedelta(hours=2)
    assert len(await elm.series(start, now, aggregate_period="hour")) == 2
    assert (await elm.energy_period(EnergyPeriod.DAY)).energy is not None
    assert await elm.period_series(EnergyPeriod.MONTH)
    first = await elm.first_data()
    assert first is not None
    assert first < start
    assert (await elm.status()).hid


@pytest.mark.parametrize(
    ("zone", "now", "offset"),
    [
        ("Europe/London", "2026-01-15T12:00:00+00:00", "0"),
        ("Europe/London", "2026-07-15T12:00:00+00:00", "-60"),
        ("America/New_York", "2026-01-15T12:00:00+00:00", "300"),
        ("Asia/Kathmandu", "2026-01-15T12:00:00+00:00", "-345"),
    ],
)
async def test_offset_follows_the_clocks(
    cloud: Cloud,
    session: aiohttp.ClientSession,
    freezer: FrozenDateTimeFactory,
    zone: str,
    now: str,
    offset: str,
) -> None:
    """The offset of each call is the zone's at that time, in minutes behind UTC."""
    client = EfergyClient(
        session,
        TOKEN,
        cloud.url,
        time_zone=lambda: ZoneInfo(zone),
        timeout_s=PATIENCE_S,
    )
    freezer.move_to(datetime.fromisoformat(now) - timedelta(days=182))
    await client.current_values()
    freezer.move_to(now)
    await client.current_values()
    path, query = cloud.asked[-1]
    assert path == "/mobile_proxy/getCurrentValuesSummary"
    assert query == {"token": TOKEN, "offset": offset}


async def test_offset_follows_home_assistants_zone(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """Another time zone in Home Assistant's settings holds from the next call on."""
    freezer.move_to(START)
    client = account_client(hass, TOKEN, cloud.url)
    offsets: list[str] = []
    for zone in ("Europe/London", "Asia/Kathmandu"):
        await hass.config.async_update(time_zone=zone)
        await client.current_values()
        offsets.append(cloud.asked[-1][1]["offset"])
    assert offsets == ["0", "-345"]


async def test_times_go_out_in_seconds(cloud: Cloud, client: EfergyClient) -> None:
    """Spans are asked for in epoch seconds, whatever the zone of the datetimes."""
    cloud.reply(b'{"sum":"0.09","duration":900,"units":"kWh"}')
    local = START.astimezone(ZoneInfo("Asia/Kathmandu"))
    await client.energy(local, local + timedelta(minutes=15))
    assert cloud.asked[-1][1] | {"token": "", "offset": ""} == {
        "period": "custom",
        "fromTime": str(int(START.timestamp())),
        "toTime": str(int(START.timestamp()) + 900),
        "token": "",
        "offset": "",
    }


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (429, b"", CloudQuotaError),
        (401, b"", CloudAuthError),
        (403, b"<html>firewall</html>", CloudOutageError),
        (403, b'{"status":"error","description":"bad token"}', CloudAuthError),
        (404, b"[]", CloudOutageError),
        (400, b"nonsense", CloudRequestError),
        (302, b"", CloudOutageError),
        (500, b'{"status":"error","description":"bad token"}', CloudOutageError),
        (502, b"[]", CloudOutageError),
    ],
)
async def test_http_status(
    cloud: Cloud,
    client: EfergyClient,
    status: int,
    body: bytes,
    kind: type[CloudError],
) -> None:
    """The status decides where the body says nothing of its own."""
    cloud.reply(body, status, {"Location": "/elsewhere"})
    with pytest.raises(CloudError) as caught:
        await client.current_values()
    assert type(caught.value) is kind
    assert len(cloud.asked) == 1


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("120", timedelta(minutes=2)),
        ("Wed, 18 Nov 2026 10:05:00 GMT", timedelta(minutes=5)),
        ("Wed, 18 Nov 2026 09:00:00 GMT", timedelta()),
        ("9" * 12, timedelta(days=1)),
        ("soon", None),
    ],
)
async def test_retry_after(
    cloud: Cloud,
    client: EfergyClient,
    freezer: FrozenDateTimeFactory,
    header: str,
    wait: timedelta | None,
) -> None:
    """How long the vendor asks to wait is passed on, within reason."""
    freezer.move_to(START)
    cloud.reply(b"", 429, {"Retry-After": header})
    with pytest.raises(CloudQuotaError) as caught:
        await client.current_values()
    assert caught.value.retry_after == wait


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("http://127.0.0.1:1", CloudOutageError),
        ("not an address", CloudRequestError),
        ("ftp://127.0.0.1", CloudRequestError),
        ("http://[::1", CloudRequestError),
        ("", CloudRequestError),
    ],
)
async def test_addresses(
    session: aiohttp.ClientSession, address: str, kind: type[CloudError]
) -> None:
    """An address where nobody answers is an outage, an impossible one our mistake."""
    client = EfergyClient(session, TOKEN, address, time_zone=lambda: UTC)
    with pytest.raises(CloudError) as caught:
        await client.current_values()
    assert type(caught.value) is kind
    assert caught.value.__context__ is None
    assert TOKEN not in str(caught.value)


async def test_stopping_in_the_middle_is_no_outage(
    simulator: SimulatorClient, elm: EfergyClient
) -> None:
    """A cancelled call stays cancelled."""
    simulator.fault("timeout")
    call = asyncio.ensure_future(elm.current_values())
    await asyncio.wait([call], timeout=0.05)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


ADDRESSES: list[Callable[[str], str]] = [
    lambda url: url,
    lambda url: url.rstrip("/"),
]


@pytest.mark.parametrize("write", ADDRESSES)
async def test_slash_at_the_end_of_the_address(
    cloud: Cloud, session: aiohttp.ClientSession, write: Callable[[str], str]
) -> None:
    """An address may end in a slash or not."""
    client = EfergyClient(
        session,
        TOKEN,
        write(cloud.url),
        time_zone=lambda: UTC,
        timeout_s=PATIENCE_S,
    )
    await client.current_values()
    assert cloud.asked[-1][0] == "/mobile_proxy/getCurrentValuesSummary"
