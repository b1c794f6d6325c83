"""A home with a meter, its energy entity and a bystander, in virtual time.

The entity is driven as the integration does it: a slot is settled and the total published
90 s after the slot's end. The recorder compiles each 5-minute window 10 s after its end.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
import shutil
from typing import override

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder, get_instance
from homeassistant.components.recorder.db_schema import (
    States,
    Statistics,
    StatisticsMeta,
    StatisticsRuns,
    StatisticsShortTerm,
)
from homeassistant.components.recorder.statistics import (
    get_short_term_statistics_run_cache,
)
from homeassistant.components.recorder.tasks import (
    CompileMissingStatisticsTask,
    RecorderTask,
    StatisticsTask,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.recorder import session_scope
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_recorder_block_till_done,
)
from sqlalchemy import text
from sqlalchemy.orm.session import Session

from custom_components.energy_homes.const import DOMAIN
from custom_components.energy_homes.ledger import Ledger, home_key
from custom_components.energy_homes.metering.model import (
    SLOT,
    MeterRole,
    Provenance,
    Slot,
    unknown_slot,
)
from custom_components.energy_homes.statistics.guard import async_guard_total
from custom_components.energy_homes.statistics.reconcile import Reconciler

HOME_ID = "01JD0000000000000000000001"
SOURCE_ID = "01JD0000000000000000000002"
KEY = home_key(HOME_ID, "grid")
UNIQUE_ID = f"{HOME_ID}_energy"
BYSTANDER = "sensor.bystander"
HOUR = timedelta(hours=1)

type StoredRow = tuple[datetime, float, float]


@dataclass
class _InRecorder(RecorderTask):
    """Work on the database in the recorder's own thread, as if it was another program."""

    work: Callable[[Session, HomeAssistant], None]
    hass: HomeAssistant

    @override
    def run(self, instance: Recorder) -> None:
        """Do the work in one transaction."""
        instance._commit_event_session_or_retry()
        with session_scope(session=instance.get_session()) as session:
            self.work(session, self.hass)


class World:
    """Everything that a test of the reconciliation moves."""

    def __init__(
        self, hass: HomeAssistant, freezer: FrozenDateTimeFactory, folder: Path
    ) -> None:
        """Start now, with nothing used yet."""
        self.hass = hass
        self.folder = folder
        self.freezer = freezer
        self.now = dt_util.utcnow()
        self.unit = "kWh"
        self.per_kwh = 1.0
        self.slots: dict[datetime, float] = {}
        self.missed: dict[datetime, float] = {}
        self._unsettled: Slot | None = None
        self._ledgers = 0
        self._bystander = 1000.0
        self._bystander_windows: dict[datetime, float] = {}
        self._entity = er.async_get(hass).async_get_or_create(
            "sensor", DOMAIN, UNIQUE_ID, suggested_object_id="elm_street_energy"
        )

    @property
    def entity_id(self) -> str | None:
        """Return the present id of the energy entity."""
        return er.async_get(self.hass).async_get_entity_id("sensor", DOMAIN, UNIQUE_ID)

    async def open(self) -> None:
        """Open a new ledger and begin to keep statistics true."""
        self._ledgers += 1
        await self._open(self.folder / f"ledger{self._ledgers}.db")

    async def _open(self, path: Path) -> None:
        """Start what the integration starts."""
        self.path = path
        self.ledger = Ledger(self.hass.async_add_executor_job, path)
        await self.ledger.async_open()
        await self.ledger.homes.async_add(HOME_ID, "Elm Street")
        await self.ledger.sources.async_add(SOURCE_ID, HOME_ID)
        self.reconciler = Reconciler(self.hass, self.ledger)
        self.reconciler.async_start()
        self.reconciler.async_register(KEY, lambda: self.entity_id, "Elm Street")

    async def close(self) -> None:
        """Stop what was opened."""
        await self.reconciler.async_stop()
        await self.ledger.async_close()

    async def restart(self) -> None:
        """Stop and start the integration with the same ledger."""
        await self.close()
        await self._open(self.path)

    async def lose_ledger(self) -> None:
        """Stop, and start with an empty ledger."""
        await self.close()
        await self.open()

    def copy_ledger(self) -> Path:
        """Copy the closed ledger, as a backup does."""
        return Path(shutil.copy(self.path, self.folder / "backup.db"))

    async def restore_ledger(self, copy: Path) -> None:
        """Stop, and start with an old copy of the ledger."""
        await self.close()
        await self._open(copy)

    async def guard(self) -> float:
        """Do what the integration does before it publishes a total."""
        entity_id = self.entity_id
        assert entity_id is not None
        return await async_guard_total(
            self.hass, self.ledger, KEY, entity_id, "Elm Street"
        )

    async def settle(self, start: datetime, energy: float | None) -> None:
        """Settle a slot of the meter, or recover one that was unknown."""
        await self.settle_all({start: energy}, Provenance.MEASURED)

    async def settle_all(
        self, energies: Mapping[datetime, float | None], provenance: Provenance
    ) -> None:
        """Settle slots of the meter at once; None is what nobody knows yet."""
        slots = [
            unknown_slot(start)
            if energy is None
            else Slot(start=start, energy=energy, returned=0.0, provenance=provenance)
            for start, energy in energies.items()
        ]
        await self.ledger.slots.async_settle(SOURCE_ID, MeterRole.GRID, slots, [])
        self.slots |= {
            start: energy for start, energy in energies.items() if energy is not None
        }

    async def repair(self, provenance: Provenance = Provenance.VENDOR) -> None:
        """Learn what was used in the slots that were missed, and publish it."""
        await self.settle_all(self.missed, provenance)
        self.missed = {}
        await self.publish()

    async def publish(self) -> float:
        """Set the energy entity's state to the ledger's total."""
        total = self.ledger.sums.total(KEY)
        entity_id = self.entity_id
        assert entity_id is not None
        self.hass.states.async_set(
            entity_id,
            str(round(total * self.per_kwh, 6)),
            {
                "device_class": "energy",
                "state_class": "total_increasing",
                "unit_of_measurement": self.unit,
            },
        )
        return total

    async def tick(
        self, energy: float | None, *, publish: bool = True, compile_: bool = True
    ) -> None:
        """Live through one slot in which the meter used `energy` kWh (None: unknown)."""
        begin = self.now
        self.freezer.move_to(begin + timedelta(seconds=60))
        self.move_bystander()
        self.freezer.move_to(begin + timedelta(seconds=90))
        await self.settle_last()
        if publish:
            await self.publish()
        self._unsettled = Slot(
            start=begin,
            energy=energy,
            returned=None if energy is None else 0.0,
            provenance=Provenance.UNKNOWN if energy is None else Provenance.MEASURED,
        )
        self.now = begin + SLOT
        if compile_:
            await self.compile(begin)

    async def ticks(self, energies: Sequence[float | None]) -> None:
        """Live through slots one after the other."""
        for energy in energies:
            await self.tick(energy)

    async def settle_last(self) -> None:
        """Settle the slot that has just ended."""
        if (slot := self._unsettled) is not None:
            self._unsettled = None
            await self.settle(slot.start, slot.energy)

    def move_bystander(self) -> None:
        """Let another integration's meter count on."""
        self._bystander += 1.0
        self.hass.states.async_set(
            BYSTANDER,
            str(self._bystander),
            {
                "device_class": "energy",
                "state_class": "total_increasing",
                "unit_of_measurement": "kWh",
            },
        )

    async def compile(self, begin: datetime) -> None:
        """Let the recorder compile the window that begins then, and everybody react."""
        self.freezer.move_to(begin + SLOT + timedelta(seconds=10))
        get_instance(self.hass).queue_task(StatisticsTask(begin, True))
        self._bystander_windows[begin] = self._bystander
        await self.done()

    async def done(self) -> None:
        """Wait for the recorder, then for the reconciliation, then for what it asked for."""
        await async_recorder_block_till_done(self.hass)
        await self.hass.async_block_till_done(wait_background_tasks=True)
        await async_recorder_block_till_done(self.hass)

    async def reconcile(self) -> int:
        """Compare now; return how many rows were written, once they are."""
        written = await self.reconciler.async_reconcile(KEY)
        await self.done()
        return written

    async def off(self, energies: Sequence[float], *, known: bool = True) -> None:
        """Be switched off for some slots.

        Somebody else's memory has kept them, or nobody's until `repair`.
        """
        await self.settle_last()
        used = {self.now + n * SLOT: energy for n, energy in enumerate(energies)}
        if not known:
            self.missed |= used
        await self.settle_all(
            used if known else dict.fromkeys(used, None), Provenance.MEASURED
        )
        self.now += len(energies) * SLOT
        self.freezer.move_to(self.now + timedelta(seconds=10))

    async def compile_missing(self) -> None:
        """Let the recorder compile what it has not, as it does when it starts."""
        oldest = self.now - timedelta(days=get_instance(self.hass).keep_days)
        window = max(oldest.replace(minute=0), max(self._bystander_windows) + SLOT)
        while window < self.now:
            self._bystander_windows[window] = self._bystander
            window += SLOT
        get_instance(self.hass).queue_task(CompileMissingStatisticsTask())
        await self.done()

    async def in_recorder(self, work: Callable[[Session, HomeAssistant], None]) -> None:
        """Change the recorder's database from outside."""
        await self.done()
        get_instance(self.hass).queue_task(_InRecorder(work, self.hass))
        await self.done()

    async def restore_database(self, at: datetime) -> None:
        """Bring the recorder's database back to what it was."""
        stamp = at.timestamp()

        def forget(session: Session, hass: HomeAssistant) -> None:
            """Delete everything since then."""
            for table in (Statistics, StatisticsShortTerm):
                session.query(table).filter(table.start_ts >= stamp).delete()
            session.query(Statistics).filter(
                Statistics.start_ts > stamp - HOUR.total_seconds()
            ).delete()
            session.query(StatisticsRuns).filter(StatisticsRuns.start >= at).delete()
            session.query(States).update({States.old_state_id: None})
            session.query(States).filter(States.last_updated_ts >= stamp).delete()
            get_instance(hass).states_manager.reset()
            get_short_term_statistics_run_cache(hass)._latest_id_by_metadata_id.clear()

        await self.in_recorder(forget)
        self._bystander_windows = {
            window: value
            for window, value in self._bystander_windows.items()
            if window < at
        }
        self._bystander = self._bystander_windows[at - SLOT]

    async def purge_short_term(self) -> None:
        """Let the meter's 5-minute rows run out."""

        def purge(session: Session, hass: HomeAssistant) -> None:
            """Delete the meter's 5-minute rows and its states."""
            meta = (
                session.query(StatisticsMeta.id)
                .filter(StatisticsMeta.statistic_id == self.entity_id)
                .scalar()
            )
            session.query(StatisticsShortTerm).filter(
                StatisticsShortTerm.metadata_id == meta
            ).delete()

        await self.in_recorder(purge)

    async def adjust(self, since: datetime, energy: float) -> None:
        """Move the meter's sums from an hour on, as the developer tools do."""
        entity_id = self.entity_id
        assert entity_id is not None
        get_instance(self.hass).async_adjust_statistics(entity_id, since, energy, "kWh")
        await self.done()

    async def delete_statistics(self) -> None:
        """Delete the meter's statistics, as the developer tools do."""
        entity_id = self.entity_id
        assert entity_id is not None
        get_instance(self.hass).async_clear_statistics([entity_id])
        await self.done()

    async def put_back(self, row: StoredRow) -> None:
        """Undo what was written to an hourly row of the meter."""
        start, state, total = row

        def write(session: Session, _hass: HomeAssistant) -> None:
            """Store the row as it was."""
            session.query(Statistics).filter(
                Statistics.start_ts == start.timestamp(),
                Statistics.metadata_id
                == session.query(StatisticsMeta.id)
                .filter(StatisticsMeta.statistic_id == self.entity_id)
                .scalar_subquery(),
            ).update(
                {Statistics.state: state, Statistics.sum: total},
                synchronize_session=False,
            )

        await self.in_recorder(write)

    async def rename_table(self, before: str, after: str) -> None:
        """Rename a table of the recorder's, so that questions to it fail."""

        def rename(session: Session, _hass: HomeAssistant) -> None:
            """Rename the table."""
            session.execute(text(f"ALTER TABLE {before} RENAME TO {after}"))

        await self.in_recorder(rename)

    async def rows(
        self, entity_id: str | None = None, *, short_term: bool = False
    ) -> list[StoredRow]:
        """Return an entity's rows as they are stored: start, state, sum."""
        table: type[Statistics | StatisticsShortTerm] = (
            StatisticsShortTerm if short_term else Statistics
        )
        wanted = entity_id or self.entity_id
        found: list[StoredRow] = []

        def read(session: Session, _hass: HomeAssistant) -> None:
            """Read one entity's rows, oldest first."""
            found.extend(
                (dt_util.utc_from_timestamp(start or 0.0), state or 0.0, total or 0.0)
                for start, state, total in session.query(
                    table.start_ts, table.state, table.sum
                )
                .join(StatisticsMeta, StatisticsMeta.id == table.metadata_id)
                .filter(StatisticsMeta.statistic_id == wanted)
                .order_by(table.start_ts)
            )

        await self.in_recorder(read)
        return found

    async def bars(self) -> dict[datetime, float]:
        """Return what the Energy dashboard shows for each hour."""
        bars: dict[datetime, float] = {}
        before = 0.0
        for start, _state, total in await self.rows():
            bars[start] = total - before
            before = total
        return bars

    def used(self, hour: datetime) -> float:
        """Return what the meter used in an hour as far as anybody knows."""
        return sum(self.slots.get(hour + n * SLOT, 0.0) for n in range(12))

    async def assert_true(self, hours: int) -> None:
        """Check that there are so many hourly bars, each equal to the hour's slots."""
        bars = await self.bars()
        assert len(bars) == hours
        assert bars == pytest.approx({hour: self.used(hour) for hour in bars}, abs=1e-6)

    async def assert_settled(self) -> None:
        """Check every bar, that sums never fall, and that there is nothing left to do."""
        bars = await self.bars()
        hours = [min(bars) + n * HOUR for n in range(len(bars))]
        assert list(bars) == hours, "An hour has no bar"
        assert bars == pytest.approx({hour: self.used(hour) for hour in bars}, abs=1e-6)
        sums = [total for _start, _state, total in await self.rows()]
        assert sums == sorted(sums)
        before = await self.rows()
        assert await self.reconcile() == 0
        await self.restart()
        assert await self.reconcile() == 0
        assert await self.rows() == before
        await self.assert_bystander_untouched()

    async def assert_bystander_untouched(self) -> None:
        """Check every row of the bystander, to the last digit."""
        windows = self._bystander_windows
        first = min(windows.values())
        assert await self.rows(BYSTANDER, short_term=True) == [
            (start, value, value - first) for start, value in sorted(windows.items())
        ]
        assert await self.rows(BYSTANDER) == [
            (start.replace(minute=0), value, value - first)
            for start, value in sorted(windows.items())
            if start.minute == 55
        ]
