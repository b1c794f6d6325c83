"""Asking boards for their variables: those that no event tells of, and all after a gap."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
import logging
from typing import Final

from homeassistant.core import HomeAssistant, callback

from ...clouds.errors import CloudError
from ...clouds.particle.client import ParticleClient
from ...clouds.particle.errors import CloudBoardError
from ...clouds.particle.models import VariableValue
from .board import Board

_LOGGER = logging.getLogger(__name__)

VARIABLE_INTERVAL: Final = timedelta(minutes=1)
"""How often a variable is asked for that no event tells of."""

ASKED_AT_ONCE: Final = 4
"""So many variables are asked for at the same time."""


class Variables:
    """Asks an account's boards for variables; failures are counted by what was wrong.

    Instants are seconds on the loop's own clock.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        client: ParticleClient,
        boards: Mapping[str, Board],
        counts: Counter[str],
        *,
        on_value: Callable[[Board, VariableValue], None],
    ) -> None:
        """Prepare to ask; `on_value` takes what a board has answered."""
        self._hass = hass
        self._client = client
        self._boards = boards
        self._counts = counts
        self._on_value = on_value
        self._due_s = 0.0

    @property
    def due_s(self) -> float | None:
        """Return when variables are to be asked for, None where events tell of all."""
        polled = any(board.polled for board in self._boards.values())
        return self._due_s if polled else None

    @callback
    def ask_now(self) -> None:
        """Have what no event tells of asked for at once: it may be other variables now."""
        self._due_s = 0.0

    async def async_ask_due(self, now_s: float) -> None:
        """Ask for what no event tells of, where it is due."""
        if now_s < self._due_s:
            return
        self._due_s = self._hass.loop.time() + VARIABLE_INTERVAL.total_seconds()
        await self._async_ask({b: b.polled for b in self._boards.values()})

    async def async_ask_all(self) -> None:
        """Ask for everything that is measured, as far as a variable backs it."""
        await self._async_ask({b: b.variables for b in self._boards.values()})

    async def async_learn(self, board_id: str, span: timedelta) -> None:
        """Ask a board which variables it has, and leave it time to say more by events."""
        if (board := self._boards.get(board_id)) is None:
            return
        try:
            board.take_device(await self._client.device(board_id))
        except CloudError as err:
            _LOGGER.debug("Variables of %s are not told: %s", board.name, err)
        await asyncio.sleep(span.total_seconds())

    async def _async_ask(self, wanted: Mapping[Board, Iterable[str]]) -> None:
        """Ask boards that are online for variables, a few at a time."""
        turns = asyncio.Semaphore(ASKED_AT_ONCE)

        async def ask(board: Board, name: str) -> None:
            """Ask for one."""
            async with turns:
                try:
                    value = await self._client.variable(board.board_id, name)
                except CloudBoardError as err:
                    self._counts[f"variable_{err.trouble}"] += 1
                except CloudError as err:
                    self._counts["variable_failed"] += 1
                    _LOGGER.debug("Variable %s of %s: %s", name, board.name, err)
                else:
                    self._on_value(board, value)

        await asyncio.gather(
            *(
                ask(board, name)
                for board, names in wanted.items()
                if board.online is not False
                for name in sorted(names)
            )
        )
