"""What an account's boards say, by events and by variables: taken once, counted, handed on."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime

from homeassistant.core import callback
from homeassistant.util import dt as dt_util

from ...clouds.particle.models import EventBatch, ParticleEvent, VariableValue
from ...metering.readings import MAX_AHEAD
from .board import Board, EventOutcome, EventReport
from .known import KnownBoards
from .reports import BoardReports


class Hearing:
    """Takes what boards say, and counts it by what became of it (`counts`).

    `last_event` is when a board published the newest event that it sent itself (aware,
    UTC), None before the first.
    """

    def __init__(
        self,
        known: KnownBoards,
        reports: BoardReports,
        *,
        on_news: Callable[[], None],
        on_presence: Callable[[], None],
    ) -> None:
        """Begin to hear.

        `on_news` is called when the account may list something else than it did,
        `on_presence` after homes were told that a board has come, gone, or become a meter.
        """
        self.counts: Counter[str] = Counter()
        self.last_event: datetime | None = None
        self._known = known
        self._reports = reports
        self._on_news = on_news
        self._on_presence = on_presence

    @callback
    def take(self, batch: EventBatch) -> None:
        """Take what a chunk of the stream brought."""
        self.counts["nonsense"] += batch.nonsense
        for event in batch.events:
            self._take_event(event)

    @callback
    def take_variable(self, board: Board, value: VariableValue) -> None:
        """Take what a board has answered now."""
        self._tell(board, board.take_variable(value, dt_util.utcnow()))

    @callback
    def _take_event(self, event: ParticleEvent) -> None:
        """Take one event, if it is a board's."""
        if event.published_at > dt_util.utcnow() + MAX_AHEAD:
            self.counts["future"] += 1
            return
        known = event.board_id in self._known.boards
        if (board := self._known.get(event.board_id, event)) is None:
            self.counts["ignored"] += 1
            return
        if not known:
            self._on_news()
        was_online = board.online
        was_meter = board.meter
        taken = board.take(event)
        self.counts[taken.outcome.name.lower()] += 1
        if taken.outcome is EventOutcome.NEW:
            self.last_event = max(
                self.last_event or event.published_at, event.published_at
            )
        if taken.outcome is EventOutcome.STATUS:
            self._on_news()
        self._tell(board, taken)
        if board.online is not was_online or board.meter is not was_meter:
            self._reports.tell_presence(board)
            self._on_presence()

    @callback
    def _tell(self, board: Board, taken: EventReport) -> None:
        """Tell homes what a board has just measured."""
        self.counts["nonsense"] += taken.nonsense
        self._reports.tell_taken(board, taken, dt_util.utcnow())
