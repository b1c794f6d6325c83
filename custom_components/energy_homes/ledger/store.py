"""The ledger's reads and writes, blocking; one transaction each, safe to call from any thread."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
import sqlite3

from ..metering.gaps import Gap
from ..metering.model import MeterRole, Provenance, Reading, Slot
from ..metering.periods import PERIOD_S, SLOT_S, Period, combined, slot_periods
from ..metering.temperature import RoomReading, RoomSlot
from .boards import ChannelData, delete_board, read_board, write_board
from .codes import (
    HOUR_SECONDS,
    PROVENANCE_OF,
    ROLES,
    SLOT_SECONDS,
    from_seconds,
    kwh,
    micros,
    row_slot,
    seconds,
    slot_row,
    units,
)
from .file import LedgerFile
from .holes import read_asked, read_holes, read_room_holes, write_asked
from .homes import delete_home, read_homes, write_home, write_removed
from .marks import read_mark, take_back, widen_past, write_mark
from .periods import forget_periods, made_periods, read_slots, write_periods
from .powers import add_due, delete_power_due, read_power_due, read_powers
from .rooms import (
    add_room,
    delete_due,
    load_room,
    read_due,
    read_room_hours,
    read_room_slots,
    room_number,
    settle_room,
)
from .schema import VERSION
from .settling import Changes, write_slots
from .sources import (
    insert_pending,
    insert_source,
    read_source,
    replace_pending,
    write_hardware,
)
from .statement import read_groups, statement
from .sums import read_hourly_totals, read_past
from .totals import Carry, SourceState
from .types import (
    DueHour,
    HomeQuantity,
    HomeStatement,
    HomeTotals,
    HourlyMean,
    HourlyTotal,
    LedgerError,
    LedgerHome,
    StatisticMark,
    StoredRoom,
    StoredSource,
    home_key,
    source_key,
)


class LedgerStore(LedgerFile):
    """One ledger file.

    Every method raises LedgerError where SQLite fails, and has then changed nothing. A
    slot's commit has reached the disk when its method returns. One of pending readings
    survives a killed process; a power cut may take those since the last slot, whose
    slot the cut left incomplete anyway, and it saves the disk a flush for each reading.
    """

    def __init__(self, path: Path, *, busy_timeout: float) -> None:
        """Stand for a file that `open` opens; `busy_timeout` for locks is in seconds."""
        super().__init__(path, busy_timeout=busy_timeout)
        self._changes: Counter[str] = Counter()

    def add_home(self, home_id: str, label: str) -> None:
        """Add a home, or take over its label; it is no longer removed."""
        with self._writing() as connection:
            write_home(connection, home_id, label)

    def add_source(
        self, source_id: str, home_id: str, live_from: datetime | None
    ) -> None:
        """Add a source of a home; raises LedgerError where it is another home's."""
        live_s = None if live_from is None else _slot_from(live_from)
        with self._lock:
            source = self.state.sources.get(source_id)
            if source is not None and source.home_id != home_id:
                raise LedgerError(f"Source {source_id} belongs to another home")
            if source is None:
                with self._writing() as connection:
                    number = insert_source(connection, source_id, home_id, live_s)
                source = SourceState(number=number, home_id=home_id, live_from=live_s)
            elif source.live_from is None and live_s is not None:
                with self._writing() as connection:
                    connection.execute(
                        "UPDATE source SET live_from = ? WHERE number = ?",
                        (live_s, source.number),
                    )
                source = replace(source, live_from=live_s)
            else:
                return
            self.state = self.state.with_source(source_id, source)

    def live_from(self, source_id: str) -> datetime | None:
        """Return the start of the first slot that is not of the past, where it is known."""
        source = self.state.sources.get(source_id)
        if source is None or source.live_from is None:
            return None
        return from_seconds(source.live_from)

    def read_from(self, source_id: str, hardware: str) -> bool:
        """Note what a source reads from; what only other hardware could go on from goes."""
        number = self._source(source_id).number
        with self._writing() as connection:
            return write_hardware(connection, number, hardware)

    def mark_home_removed(self, home_id: str, at: datetime) -> None:
        """Note when a home's entry was removed; its slots stay."""
        with self._writing() as connection:
            write_removed(connection, home_id, at)

    def homes(self) -> tuple[LedgerHome, ...]:
        """Return all homes by label."""
        with self._reading() as connection:
            return read_homes(connection)

    def forget_home(self, home_id: str) -> int:
        """Delete all rows of a home and return how many there were."""
        with self._lock:
            source_ids = [source_id for source_id, _ in self.state.of_home(home_id)]
            keys = [source_key(source_id) for source_id in source_ids]
            keys += [
                home_key(home_id, "grid"),
                home_key(home_id, "generation"),
                home_key(home_id, "returned"),
            ]
            with self._writing() as connection:
                rows = delete_home(connection, home_id, keys)
            self.state = self.state.without(source_ids, keys)
            return rows

    def load(self, source_id: str) -> StoredSource:
        """Return where a source's slotter goes on; nothing for an unknown source."""
        with self._reading() as connection:
            source = self.state.sources.get(source_id)
            if source is None:
                return StoredSource(settled_until=None, pending=())
            return read_source(connection, source)

    def add_readings(self, source_id: str, readings: Iterable[Reading]) -> None:
        """Keep readings until a slot is settled with them; a known stamp changes nothing."""
        with self._lock:
            number = self._source(source_id).number
            with self._writing(synchronous="NORMAL") as connection:
                insert_pending(connection, number, readings)

    def settle(
        self,
        source_id: str,
        role: MeterRole,
        slots: Sequence[Slot],
        pending: Iterable[Reading],
    ) -> int:
        """Commit slots and what is pending after them; return how many slots changed.

        A known slot never changes. An unknown one may become known, or more may turn out
        to have been counted in it: in the role that the meter had then.
        """
        rows = [slot_row(slot) for slot in slots]
        with self._lock:
            source = self._source(source_id)
            until = max(
                (row[0] + SLOT_SECONDS for row in rows), default=source.settled_until
            )
            if source.settled_until is not None and until is not None:
                until = max(until, source.settled_until)
            with self._writing() as connection:
                changes = write_slots(connection, source, role, rows)
                forget_periods(connection, source.number, changes.late)
                self._note(connection, source_id, changes)
                connection.execute(
                    "UPDATE source SET settled_until = ?, live_from = ?"
                    " WHERE number = ?",
                    (until, changes.live_from, source.number),
                )
                replace_pending(connection, source.number, pending)
            after = replace(source, settled_until=until, live_from=changes.live_from)
            self.state = self.state.with_source(
                source_id, after.with_slots(changes.sums, changes.past)
            )
            return changes.count

    def _note(
        self, connection: sqlite3.Connection, source_id: str, changes: Changes
    ) -> None:
        """Have the recorder's statistics compared where slots have changed."""
        source = self.state.sources[source_id]
        for role, change in changes.roles.items():
            for key in source.keys(source_id, role):
                if change.first is not None:
                    self._changes[key] += 1
                    take_back(connection, key, _hour_us(change.first))
                if change.past_begin is not None:
                    self._changes[key] += 1
                    last = _hour_us(change.past_end + HOUR_SECONDS - 1)
                    widen_past(connection, key, _hour_us(change.past_begin), last)
            add_due(connection, source_key(source_id), change.repaired)
            if role is not MeterRole.SUBMETER:
                what: HomeQuantity = "grid" if role is MeterRole.GRID else "generation"
                add_due(connection, home_key(source.home_id, what), change.repaired)

    def totals(self, home_id: str) -> HomeTotals:
        """Return a home's totals from memory."""
        state = self.state
        return HomeTotals(
            grid=kwh(state.total(home_key(home_id, "grid"))),
            generation=kwh(state.total(home_key(home_id, "generation"))),
            returned=kwh(state.total(home_key(home_id, "returned"))),
            sources={
                source_id: kwh(state.total(source_key(source_id)))
                for source_id, _ in state.of_home(home_id)
            },
        )

    def hourly_totals(
        self, key: str, start: datetime, end: datetime
    ) -> list[HourlyTotal]:
        """Return the total at the end of each hour that starts in `[start, end)`."""
        first, until = (
            -(-seconds(start) // HOUR_SECONDS),
            -(-seconds(end) // HOUR_SECONDS),
        )
        with self._reading() as connection:
            return read_hourly_totals(connection, self.state, key, first, until)

    def past(self, key: str, since: datetime) -> float:
        """Return what the slots of a key's past add up to since an hour."""
        begin = -(-seconds(since) // HOUR_SECONDS) * HOUR_SECONDS
        with self._reading() as connection:
            return kwh(read_past(connection, self.state.quantity(key), begin))

    def carried(self, key: str) -> bool:
        """Return whether a key's total was ever carried on."""
        return key in self.state.carries

    def first_slot(self, key: str) -> datetime | None:
        """Return the start of the first slot that counts for a key."""
        with self._reading() as connection:
            quantity = self.state.quantity(key)
            role = None if quantity.role is None else ROLES[quantity.role]
            firsts = [
                row[0]
                for source in quantity.sources
                for row in connection.execute(
                    "SELECT start FROM slot WHERE source = ? AND role = COALESCE(?, role)"
                    " ORDER BY start LIMIT 1",
                    (source.number, role),
                )
            ]
        return from_seconds(min(firsts)) if firsts else None

    def slots(self, source_id: str, start: datetime, end: datetime) -> list[Slot]:
        """Return a source's slots that start in `[start, end)`."""
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT start, provenance, energy, returned FROM slot"
                " WHERE source = (SELECT number FROM source WHERE source_id = ?)"
                " AND start >= ? AND start < ? ORDER BY start",
                (source_id, seconds(start), seconds(end)),
            ).fetchall()
        return [row_slot(*row) for row in rows]

    def periods(
        self, source_ids: Iterable[str], starts: range
    ) -> dict[str, list[Period]]:
        """Return the periods of sources that start at `starts`, in Unix seconds.

        A source that was never added has none, nor has one a period that was not settled at
        its start. Quarter hours that are settled whole are kept for the next time.
        """
        with self._reading() as connection:
            sources = {
                source_id: source
                for source_id in source_ids
                if (source := self.state.sources.get(source_id)) is not None
            }
            if starts.step == SLOT_S:
                numbers = [source.number for source in sources.values()]
                rows = read_slots(connection, numbers, starts.start, starts.stop)
                return {
                    source_id: slot_periods(
                        row
                        for row in rows[source.number]
                        if row.start_s >= starts.start
                    )
                    for source_id, source in sources.items()
                }
            stop = starts[-1] + starts.step if starts else starts.start
            quarters, whole = made_periods(
                connection, sources.values(), range(starts.start, stop, PERIOD_S)
            )
            # Without them the next time costs more, and that is all.
            if whole:
                with suppress(LedgerError), self._writing(synchronous="NORMAL"):
                    write_periods(connection, whole)
        return {
            source_id: quarters[source.number]
            if starts.step == PERIOD_S
            else combined(quarters[source.number], starts.step)
            for source_id, source in sources.items()
        }

    def statement(self, home_id: str, start: datetime, end: datetime) -> HomeStatement:
        """Return what a home counted in the slots that start in `[start, end)`."""
        with self._reading() as connection:
            sources = dict(self.state.of_home(home_id))
            numbers = [source.number for source in sources.values()]
            groups = read_groups(connection, numbers, seconds(start), seconds(end))
            return statement(self.state, home_id, groups)

    def holes(
        self,
        source_id: str,
        begin: datetime | None,
        end: datetime | None,
        cuts: Iterable[datetime],
    ) -> list[Gap]:
        """Return a source's holes in `[begin, end)`, as far as it is settled."""
        source = self._source(source_id)
        until = source.settled_until or 0
        with self._reading() as connection:
            return read_holes(
                connection,
                source.number,
                0 if begin is None else _slot_from(begin),
                until if end is None else min(until, _slot_from(end)),
                map(seconds, cuts),
            )

    def asked(self, source_id: str) -> list[Gap]:
        """Return the spans of a source that a vendor was asked for."""
        number = self._source(source_id).number
        with self._reading() as connection:
            return read_asked(connection, number)

    def add_asked(self, source_id: str, spans: Iterable[Gap]) -> None:
        """Add to the spans of a source that a vendor was asked for."""
        number = self._source(source_id).number
        with self._writing() as connection:
            write_asked(connection, number, spans)

    def sources_of(self, home_id: str) -> tuple[str, ...]:
        """Return the sources that a home has or had, from memory."""
        return tuple(source_id for source_id, _ in self.state.of_home(home_id))

    def counts(
        self, home_id: str, start: datetime, end: datetime
    ) -> dict[Provenance, int]:
        """Return how many grid and generation slots in `[start, end)` come from where."""
        with self._reading() as connection:
            counts = dict.fromkeys(Provenance, 0)
            for provenance, count in connection.execute(
                "SELECT provenance, COUNT(*) FROM slot"
                " WHERE source IN (SELECT number FROM source WHERE home_id = ?)"
                " AND start >= ? AND start < ? AND role <> ? GROUP BY 1",
                (home_id, seconds(start), seconds(end), ROLES[MeterRole.SUBMETER]),
            ):
                counts[PROVENANCE_OF[provenance]] = count
        return counts

    def carry(self, key: str, at: datetime, energy_kwh: float) -> None:
        """Let a key's total go on from more than its slots; an instant counts once.

        Raises ValueError for a negative energy and for what is not a key.
        """
        self.state.quantity(key)
        if not energy_kwh >= 0:
            raise ValueError(f"A total cannot be carried on by {energy_kwh} kWh")
        carry = Carry(at_us=micros(at), energy=units(energy_kwh))
        with self._lock:
            with self._writing() as connection:
                done = connection.execute(
                    "INSERT OR IGNORE INTO carry VALUES (?, ?, ?)",
                    (key, carry.at_us, carry.energy),
                ).rowcount
            if done > 0:
                self._changes[key] += 1
                self.state = self.state.with_carry(key, carry)

    def mark(self, key: str) -> StatisticMark | None:
        """Return the mark of a key's statistic."""
        with self._reading() as connection:
            return read_mark(connection, key, self._changes[key])

    def set_mark(self, key: str, mark: StatisticMark) -> StatisticMark | None:
        """Keep the mark of a key's statistic and return it.

        None, and nothing is kept, where it has a `checked_until` and slots have changed
        since it was read.
        """
        with self._lock:
            changes = self._changes[key]
            if mark.checked_until is not None and mark.changes != changes:
                return None
            with self._writing() as connection:
                write_mark(connection, key, mark)
        return replace(mark, changes=changes)

    def power_due(self, key: str) -> list[DueHour]:
        """Return the hours of a key whose power is to be compared."""
        with self._reading() as connection:
            return read_power_due(connection, key)

    def power_done(self, key: str, hours: Iterable[DueHour]) -> None:
        """Forget hours of a key whose power is right."""
        with self._writing() as connection:
            delete_power_due(connection, key, hours)

    def powers(self, key: str, start: datetime, end: datetime) -> list[HourlyMean]:
        """Return the hours that start in `[start, end)` in which a power is known."""
        with self._reading() as connection:
            quantity = self.state.quantity(key)
            numbers = [
                source.number
                for source in quantity.sources
                if quantity.role is None or quantity.role in source.sums
            ]
            return read_powers(
                connection, numbers, quantity.role, seconds(start), seconds(end)
            )

    def add_room(self, room_id: str, home_id: str) -> None:
        """Add a room of a home; raises LedgerError where it is another home's."""
        with self._writing() as connection:
            add_room(connection, room_id, home_id)

    def load_room(self, room_id: str) -> StoredRoom:
        """Return where a room goes on; nothing for an unknown room."""
        with self._reading() as connection:
            return load_room(connection, room_id)

    def settle_room(
        self,
        room_id: str,
        slots: Sequence[RoomSlot],
        readings: Iterable[RoomReading] | None,
    ) -> int:
        """Commit slots of a room, and what is not used up; return how many became known."""
        # A power cut may take what the vendor's history knows all the same.
        with self._writing(synchronous="NORMAL") as connection:
            return settle_room(connection, room_id, slots, readings)

    def room_slots(
        self, room_id: str, start: datetime, end: datetime
    ) -> list[RoomSlot]:
        """Return the known slots of a room that start in `[start, end)`."""
        with self._reading() as connection:
            return read_room_slots(connection, room_id, start, end)

    def room_holes(
        self,
        room_id: str,
        begin: datetime,
        end: datetime,
        cuts: Iterable[datetime],
    ) -> list[Gap]:
        """Return the spans of a room's slots in `[begin, end)` that are not known."""
        with self._reading() as connection:
            return read_room_holes(
                connection,
                room_number(connection, room_id),
                _slot_from(begin),
                _slot_from(end),
                map(seconds, cuts),
            )

    def room_asked(self, room_id: str) -> list[Gap]:
        """Return the spans of a room that a vendor was asked for."""
        with self._reading() as connection:
            return read_asked(connection, room_number(connection, room_id), "room")

    def add_room_asked(self, room_id: str, spans: Iterable[Gap]) -> None:
        """Add to the spans of a room that a vendor was asked for."""
        with self._writing() as connection:
            number = room_number(connection, room_id)
            write_asked(connection, number, spans, "room")

    def room_hours(
        self, room_id: str, start: datetime, end: datetime
    ) -> list[HourlyMean]:
        """Return the hours that start in `[start, end)` with known slots of a room."""
        with self._reading() as connection:
            return read_room_hours(connection, room_id, start, end)

    def room_due(self, room_id: str) -> list[DueHour]:
        """Return the hours of a room whose statistics are to be compared."""
        with self._reading() as connection:
            return read_due(connection, room_id)

    def room_done(self, room_id: str, hours: Iterable[DueHour]) -> None:
        """Forget hours of a room whose statistics are right."""
        with self._writing() as connection:
            delete_due(connection, room_id, hours)

    def board(self, board: str) -> dict[int, ChannelData]:
        """Return what was kept of a board's channels."""
        with self._reading() as connection:
            return read_board(connection, board)

    def store_board(self, board: str, channels: Mapping[int, ChannelData]) -> None:
        """Commit channels of a board, all of them or none."""
        with self._writing() as connection:
            write_board(connection, board, channels)

    def forget_board(self, board: str) -> int:
        """Delete all that was kept of a board and return how many channels that were."""
        with self._writing() as connection:
            return delete_board(connection, board)

    def stats(self) -> dict[str, int]:
        """Return the schema version, how many rows there are, and sizes in bytes."""
        with self._reading() as connection:
            homes, sources, slots, pending = connection.execute(
                "SELECT (SELECT COUNT(*) FROM home), (SELECT COUNT(*) FROM source),"
                " (SELECT COUNT(*) FROM slot), (SELECT COUNT(*) FROM pending)"
            ).fetchone()
        file_bytes, wal_bytes = self.sizes()
        return {
            "version": VERSION,
            "homes": homes,
            "sources": sources,
            "slots": slots,
            "pending": pending,
            "file_bytes": file_bytes,
            "wal_bytes": wal_bytes,
        }

    def _source(self, source_id: str) -> SourceState:
        """Return a source; raises LedgerError for one that was never added."""
        with self._reading():
            if (source := self.state.sources.get(source_id)) is None:
                raise LedgerError(f"The ledger has no source {source_id}")
        return source


def _hour_us(at_s: int) -> int:
    """Return the start of an instant's hour in Unix microseconds."""
    return at_s // HOUR_SECONDS * HOUR_SECONDS * 1_000_000


def _slot_from(at: datetime) -> int:
    """Return the start of the first slot that starts at or after an instant."""
    return -(-seconds(at) // SLOT_SECONDS) * SLOT_SECONDS
