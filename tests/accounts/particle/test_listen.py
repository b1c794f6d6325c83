"""Listening to an account's boards before it is saved."""

from aiohttp import ClientSession
from freezegun.api import FrozenDateTimeFactory

from custom_components.energy_homes.accounts.particle.listen import (
    async_listen,
    meter_info,
)
from custom_components.energy_homes.clouds.particle.client import ParticleClient
from custom_components.energy_homes.clouds.particle.models import ParticleDevice
from tests.clouds.particle.cloud import END, ParticleCloud

BOARD = "0123456789abcdef01234567"
SAMPLE = {"rms_current": "1.379", "rms_voltage": "120.0", "power": "165.48"}


def event(name: str, data: str) -> bytes:
    """Return an event as the cloud sends it."""
    return (
        f'event: {name}\ndata: {{"data":"{data}","ttl":60,'
        f'"published_at":"2026-06-09T12:00:00.000Z","coreid":"{BOARD}"}}\n\n'
    ).encode()


async def test_a_sample_is_heard_to_its_end(
    freezer: FrozenDateTimeFactory, socket_enabled: None
) -> None:
    """A board says its current before its power, each in an event of its own."""
    cloud = ParticleCloud()
    cloud.script = [*(event(name, data) for name, data in SAMPLE.items()), END]
    device = ParticleDevice(board_id=BOARD, name="Fridge", online=True, last_heard=None)
    async with cloud.serve(), ClientSession() as session:
        client = ParticleClient(session, "token", cloud.url)
        (board,) = await async_listen(client, (device,))
    meter = meter_info(board)
    assert (meter.name, meter.power, meter.ghost) == ("Fridge", 165.48, False)
