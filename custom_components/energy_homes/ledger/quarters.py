"""Periods as they are asked for: quarter hours are made once, kept, and put together."""

from collections.abc import Iterable
from contextlib import suppress

from ..metering.periods import PERIOD_S, SLOT_S, Period, combined, slot_periods
from .file import LedgerFile
from .periods import made_periods, read_slots, write_periods
from .types import LedgerError


def periods_of(
    file: LedgerFile, source_ids: Iterable[str], starts: range
) -> dict[str, list[Period]]:
    """Return the periods of sources that start at `starts`, in Unix seconds.

    A source that was never added has none, nor has one a period that was not settled at
    its start. Quarter hours that are settled whole are kept for the next time.
    """
    with file.reading() as view:
        sources = {
            source_id: source
            for source_id in source_ids
            if (source := view.state.sources.get(source_id)) is not None
        }
        if starts.step == SLOT_S:
            numbers = [source.number for source in sources.values()]
            rows = read_slots(view.connection, numbers, starts.start, starts.stop)
            return {
                source_id: slot_periods(
                    row for row in rows[source.number] if row.start_s >= starts.start
                )
                for source_id, source in sources.items()
            }
        stop = starts[-1] + starts.step if starts else starts.start
        quarters, whole = made_periods(
            view.connection, sources.values(), range(starts.start, stop, PERIOD_S)
        )
        # Without them the next time costs more, and that is all.
        if whole:
            with suppress(LedgerError), file.writing("NORMAL") as transaction:
                write_periods(transaction.connection, whole)
    return {
        source_id: quarters[source.number]
        if starts.step == PERIOD_S
        else combined(quarters[source.number], starts.step)
        for source_id, source in sources.items()
    }
