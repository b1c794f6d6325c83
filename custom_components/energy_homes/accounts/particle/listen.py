"""Listening to an account for a while before it is saved: what its boards are."""

import asyncio
from contextlib import aclosing
from datetime import timedelta
from typing import Final

from ...clouds.errors import CloudOutageError
from ...clouds.particle.client import ParticleClient
from ...clouds.particle.models import ParticleDevice
from ...metering.model import MeterRole, PowerReading
from ..registry import MeterInfo
from .board import Board

LISTEN_FOR: Final = timedelta(seconds=12)
"""Boards of the p2penergy project say their power every 4 s: so long hears each twice."""

REST_OF_SAMPLE: Final = timedelta(seconds=2)
"""What belongs to one sample comes one after the other, each in an event of its own."""


async def async_listen(
    client: ParticleClient, devices: tuple[ParticleDevice, ...]
) -> tuple[Board, ...]:
    """Return the boards with what they have said.

    Ends early, with the rest of the sample, once every board that is online has said
    something that it measures. Raises CloudError by kind where no stream can be opened; one
    that breaks later is enough.
    """
    boards = {device.board_id: Board(device.board_id) for device in devices}
    for device in devices:
        boards[device.board_id].take_device(device)
    awaited = {b.board_id for b in boards.values() if b.online is not False}
    loop = asyncio.get_running_loop()
    opened = complete = False
    try:
        async with (
            asyncio.timeout(LISTEN_FOR.total_seconds()) as limit,
            aclosing(client.events()) as stream,
        ):
            async for batch in stream:
                opened = True
                for event in batch.events:
                    if (board := boards.get(event.board_id)) is not None:
                        board.take(event)
                if not complete and all(
                    boards[board_id].values for board_id in awaited
                ):
                    complete = True
                    rest_s = loop.time() + REST_OF_SAMPLE.total_seconds()
                    limit.reschedule(min(limit.when() or rest_s, rest_s))
    except TimeoutError:
        pass
    except CloudOutageError:
        if not opened:
            raise
    return tuple(boards.values())


def meter_info(board: Board) -> MeterInfo:
    """Return a board as a meter; one that never said anything as such is a ghost."""
    reading = board.reading
    return MeterInfo(
        hardware_id=board.board_id,
        name=board.name,
        # A clamp around one circuit is the usual case.
        role=MeterRole.SUBMETER,
        power=reading.power if isinstance(reading, PowerReading) else None,
        last_seen=None if reading is None else reading.at,
        ghost=reading is None,
    )
