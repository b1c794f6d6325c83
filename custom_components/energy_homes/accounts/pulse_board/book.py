"""The channels of a board: nothing counts before it is committed."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
import logging
from typing import Final

from homeassistant.core import HomeAssistant, callback

from ...boards.config import BoardConfig
from ...ledger import Ledger, LedgerError
from ...metering.pulses import PulseChannel, PulseResult

_LOGGER = logging.getLogger(__name__)

COMMIT_WITHIN_S: Final = 0.5
"""A board waits at most so many seconds.

What is committed after that it sends again, and that is known then.
"""

MAX_WAITING: Final = 1000
"""So many changes wait for a commit: what a board can have to say in ten seconds."""

type Channels = dict[int, PulseChannel]
type Edit = Callable[[Channels], KeptPulse | None]
"""Changes channels, and says what a pulse among the changes was."""


@dataclass(frozen=True, slots=True)
class KeptPulse:
    """A pulse of a channel that is committed.

    `gap` says that nobody knows what was used between it and the one before.
    """

    number: int
    result: PulseResult
    gap: bool


class ChannelBook:
    """Counts in memory what the ledger has.

    What comes while a commit is under way is committed together with the next one; the
    first after a pause does not wait for others, because a board sends one at a time.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        ledger: Ledger,
        board: str,
        config: BoardConfig,
        *,
        on_kept: Callable[[Sequence[KeptPulse]], None],
    ) -> None:
        """Stand for a board's channels; `on_kept` is told after each commit."""
        self._hass = hass
        self._ledger = ledger
        self._board = board
        self._config = config
        self._on_kept = on_kept
        self._waiting: list[tuple[Edit, asyncio.Future[bool]]] = []
        self._committing: asyncio.Task[None] | None = None
        self._failed = False
        self._stopped = False
        self.channels: Mapping[int, PulseChannel] = {}
        self.commits = 0

    async def async_load(self) -> None:
        """Go on from what the ledger has. Raises LedgerError."""
        kept = await self._ledger.boards.async_load(self._board)
        channels = {number: self.fresh(number) for number in self._config.channels}
        for number, data in kept.items():
            channels[number] = PulseChannel.from_data(
                data, self._config.channel(number).settings
            )
        self.channels = channels

    async def async_stop(self) -> None:
        """Take nothing more, and wait for what is being committed."""
        self._stopped = True
        if self._committing is not None:
            await asyncio.wait([self._committing])

    async def async_change(
        self, edit: Edit, *, within_s: float | None = COMMIT_WITHIN_S
    ) -> bool:
        """Return whether a change is committed; False where it is not, or not in time."""
        if self._stopped or len(self._waiting) >= MAX_WAITING:
            return False
        kept: asyncio.Future[bool] = self._hass.loop.create_future()
        self._waiting.append((edit, kept))
        if self._committing is None:
            # The task outlives a request whose board has hung up.
            task = self._hass.async_create_task(
                self._async_commit(), f"pulses of {self._board}"
            )
            if not task.done():
                self._committing = task
        if not kept.done():
            await asyncio.wait([kept], timeout=within_s)
        return kept.done() and kept.result()

    def channel(self, number: int) -> PulseChannel:
        """Return a channel, also one that was never heard."""
        return self.channels.get(number) or self.fresh(number)

    def fresh(self, number: int) -> PulseChannel:
        """Return a channel that has not counted anything."""
        return PulseChannel(settings=self._config.channel(number).settings)

    async def _async_commit(self) -> None:
        """Commit what waits, until nothing is left."""
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                try:
                    kept = await self._async_commit_batch([edit for edit, _ in batch])
                except Exception:
                    _LOGGER.exception("Changes of %s could not be made", self._board)
                    kept = False
                for _, told in batch:
                    if not told.done():
                        told.set_result(kept)
        finally:
            self._committing = None

    async def _async_commit_batch(self, edits: Sequence[Edit]) -> bool:
        """Commit some changes in one transaction; return whether that worked."""
        changed: Channels = dict(self.channels)
        results = [result for edit in edits if (result := edit(changed)) is not None]
        rows = {
            number: channel.as_data()
            for number, channel in changed.items()
            if channel is not self.channels.get(number)
        }
        if rows:
            try:
                await self._ledger.boards.async_store(self._board, rows)
            except LedgerError as err:
                if not self._failed:
                    _LOGGER.error(
                        "Pulses of %s cannot be kept, it is asked to repeat them: %s",
                        self._board,
                        err,
                    )
                self._failed = True
                return False
            if self._failed:
                _LOGGER.info("Pulses of %s are kept again", self._board)
            self._failed = False
            self.commits += 1
        self.channels = changed
        self._told(results)
        return True

    @callback
    def _told(self, results: Sequence[KeptPulse]) -> None:
        """Tell what was committed; who hears it cannot undo that."""
        try:
            self._on_kept(results)
        except Exception:
            _LOGGER.exception("What %s counted could not be told", self._board)
