"""Any sequence of calls leaves a ledger that says what a dictionary says."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, override

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from custom_components.energy_homes.ledger import home_key, source_key
from custom_components.energy_homes.ledger.codes import seconds, slot_row
from custom_components.energy_homes.metering.model import (
    SLOT,
    MeterRole,
    PowerReading,
    Provenance,
    Slot,
    unknown_slot,
)
from custom_components.energy_homes.metering.periods import (
    PERIOD_S,
    SHOWN_S,
    SLOT_S,
    Period,
    SlotRow,
    combined,
    periods,
    slot_periods,
)

from .inline import inline_ledger, now

T0: Final = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)
HOME_OF: Final = {"a": "elm", "b": "elm", "c": "mill"}
LIVE_FROM: Final = {"a": T0 - timedelta(minutes=20)}
"""Of those that say so; the others' past ends with the first slots that they settle."""
KWH: Final = st.integers(0, 10**10).map(lambda units: units / 10**9)


@st.composite
def slot_lists(draw: st.DrawFn) -> list[Slot]:
    """Draw slots in any order, some of them twice."""
    slots = []
    for number in draw(st.lists(st.integers(-30, 30), max_size=6)):
        origin = draw(st.sampled_from(Provenance))
        start = T0 + number * SLOT
        if origin is Provenance.UNKNOWN:
            slots.append(unknown_slot(start))
        else:
            slots.append(
                Slot(
                    start=start,
                    energy=draw(KWH),
                    returned=draw(KWH),
                    provenance=origin,
                )
            )
    return slots


READINGS: Final = st.lists(
    st.builds(
        PowerReading,
        st.integers(-9000, 9000).map(lambda s: T0 + timedelta(seconds=s)),
        st.floats(-1e4, 1e4),
    ),
    max_size=4,
)
SHOWN: Final = st.sampled_from([*SHOWN_S, PERIOD_S, PERIOD_S])
SOURCES: Final = st.sampled_from(sorted(HOME_OF))


class LedgerMachine(RuleBasedStateMachine):
    """A ledger beside a model of it."""

    def __init__(self) -> None:
        """Begin with two homes of three meters."""
        super().__init__()
        self.folder = TemporaryDirectory()
        self.store = inline_ledger(
            Path(self.folder.name) / "ledger.db", busy_timeout=60
        )
        now(self.store.async_open())
        self.slots: dict[str, dict[datetime, tuple[MeterRole, Slot]]] = {}
        self.pending: dict[str, dict[datetime, PowerReading]] = {}
        self.carried: dict[str, dict[datetime, float]] = {}
        self.live_from: dict[str, datetime] = {}
        for source_id in HOME_OF:
            self.come(source_id)

    @override
    def teardown(self) -> None:
        """Close and delete the file."""
        now(self.store.async_close())
        self.folder.cleanup()

    @rule(source_id=SOURCES)
    def come(self, source_id: str) -> None:
        """Add a source and its home, known or not."""
        now(self.store.homes.async_add(HOME_OF[source_id], "A label"))
        now(
            self.store.sources.async_add(
                source_id, HOME_OF[source_id], LIVE_FROM.get(source_id)
            )
        )
        if source_id in LIVE_FROM:
            self.live_from.setdefault(source_id, LIVE_FROM[source_id])
        self.slots.setdefault(source_id, {})
        self.pending.setdefault(source_id, {})

    def present(self, source_id: str) -> None:
        """Add a source whose home was forgotten."""
        if source_id not in self.slots:
            self.come(source_id)

    @rule(source_id=SOURCES, readings=READINGS)
    def read(self, source_id: str, readings: list[PowerReading]) -> None:
        """Add pending readings."""
        self.present(source_id)
        now(self.store.sources.async_add_readings(source_id, readings))
        for reading in readings:
            self.pending[source_id].setdefault(reading.at, reading)

    @rule(
        source_id=SOURCES,
        role=st.sampled_from(MeterRole),
        slots=slot_lists(),
        readings=READINGS,
    )
    def settle(
        self,
        source_id: str,
        role: MeterRole,
        slots: list[Slot],
        readings: list[PowerReading],
    ) -> None:
        """Settle slots."""
        self.present(source_id)
        if slots:
            self.live_from.setdefault(source_id, min(slot.start for slot in slots))
        changed = 0
        kept = self.slots[source_id]
        for slot in slots:
            before = kept.get(slot.start)
            if before is None or (slot.known and not before[1].known):
                kept[slot.start] = (role if before is None else before[0], slot)
                changed += 1
        self.pending[source_id] = {r.at: r for r in reversed(readings)}
        assert (
            now(self.store.slots.async_settle(source_id, role, slots, readings))
            == changed
        )

    @rule(
        source_id=SOURCES,
        what=st.sampled_from(["grid", "generation", "returned"]),
        minutes=st.integers(-200, 200),
        energy=KWH,
    )
    def carry(self, source_id: str, what: str, minutes: int, energy: float) -> None:
        """Let a home's total go on from elsewhere."""
        key = f"home:{HOME_OF[source_id]}:{what}"
        at = T0 + timedelta(minutes=minutes)
        now(self.store.sums.async_carry(key, at, energy))
        self.carried.setdefault(key, {}).setdefault(at, energy)

    @rule(first=st.integers(-12, 12), count=st.integers(1, 12), step=SHOWN)
    def ask(self, first: int, count: int, step: int) -> None:
        """Ask for periods: what was stored long ago is what the slots say now."""
        begin = seconds(T0) // step * step + first * PERIOD_S // step * step
        starts = range(begin, begin + count * step, step)
        asked = now(self.store.periods.async_between([*HOME_OF, "nobody"], starts))
        assert set(asked) == set(self.slots)
        for source_id, found in asked.items():
            assert found == self.periods(source_id, starts)

    def periods(self, source_id: str, starts: range) -> list[Period]:
        """Return a source's periods as all of its slots say them."""
        kept = sorted(self.slots[source_id].items())
        rows = []
        for _, (_, slot) in kept:
            start, _, energy, returned = slot_row(slot)
            rows.append(SlotRow(start, slot.provenance, energy, returned))
        if starts.step == SLOT_S:
            return slot_periods(row for row in rows if row.start_s in starts)
        until = max((row.start_s + SLOT_S for row in rows), default=0)
        # Long before the first slot, so that the core itself finds where they begin.
        early = range(starts.start - 96 * starts.step, starts.stop, PERIOD_S)
        quarters = [one for one in periods(rows, early) if one.start_s < until]
        return [
            period
            for period in combined(quarters, starts.step)
            if period.start_s in starts
        ]

    @rule(home_id=st.sampled_from(["elm", "mill"]))
    def forget(self, home_id: str) -> None:
        """Forget a home."""
        now(self.store.homes.async_forget(home_id))
        for source_id in [s for s, home in HOME_OF.items() if home == home_id]:
            self.slots.pop(source_id, None)
            self.pending.pop(source_id, None)
            self.live_from.pop(source_id, None)
        for key in [key for key in self.carried if key.startswith(f"home:{home_id}:")]:
            del self.carried[key]

    @rule()
    def restart(self) -> None:
        """Close and open the file."""
        now(self.store.async_close())
        assert not now(self.store.async_open()).created

    @rule()
    def back_up(self) -> None:
        """Hold the file and release it."""
        now(self.store.async_hold())
        now(self.store.async_release())

    def expected(self, key: str, slots: Iterable[float], before: datetime) -> float:
        """Return slots and carries of a key up to an instant, as they are published."""
        carried = [kwh for at, kwh in self.carried.get(key, {}).items() if at < before]
        units = sum(round(kwh * 10**9) for kwh in (*slots, *carried))
        return round(units / 10**9, 6)

    def energies(
        self, key: str, before: datetime, *, live: bool | None = None
    ) -> list[float]:
        """Return what a key adds up, of slots that start before an instant.

        All, those since their source is there, or those of the past.
        """
        kind, name, *what = key.split(":")
        returned, generation = what == ["returned"], what == ["generation"]
        wanted = MeterRole.GENERATION if generation else MeterRole.GRID
        return [
            (slot.returned if returned else slot.energy) or 0.0
            for source_id, slots in self.slots.items()
            if name == (source_id if kind == "source" else HOME_OF[source_id])
            for role, slot in slots.values()
            if slot.start < before
            and (kind == "source" or role is wanted)
            and live in (None, slot.start >= self.live_from[source_id])
        ]

    @invariant()
    def agrees(self) -> None:
        """Compare totals, hours, slots and pending readings."""
        end = T0 + 5 * HOUR
        for source_id in HOME_OF:
            kept = self.slots.get(source_id, {})
            stored = now(self.store.sources.async_load(source_id))
            assert self.store.sources.live_from(source_id) == self.live_from.get(
                source_id
            )
            assert now(
                self.store.slots.async_between(source_id, T0 - 5 * HOUR, end)
            ) == [kept[start][1] for start in sorted(kept)]
            pending = self.pending.get(source_id, {})
            assert stored.pending == tuple(pending[at] for at in sorted(pending))
            assert stored.settled_until == max(
                (start + SLOT for start in kept), default=None
            )
        keys = [source_key(source_id) for source_id in HOME_OF]
        keys += [
            home_key(home_id, what)
            for home_id in ("elm", "mill")
            for what in ("grid", "generation", "returned")
        ]
        for key in keys:
            expected = self.expected(key, self.energies(key, end, live=True), end)
            assert self.store.sums.total(key) == expected
            past = self.energies(key, end, live=False)
            assert self.store.sums.past(key) == self.expected("", past, end)
            found = now(self.store.sums.async_hourly(key, T0 - 3 * HOUR, T0 + HOUR))
            alone = [
                now(self.store.sums.async_hourly(key, hour, hour + HOUR))
                for hour, _, _ in found
            ]
            assert alone == [[one] for one in found]
            for hour, total, live in found:
                until = hour + HOUR
                counted = [*self.energies(key, until), *(-one for one in past)]
                assert total == self.expected(key, counted, until)
                counted = self.energies(key, until, live=True)
                assert live == self.expected(key, counted, until)
                earlier = self.energies(key, hour, live=False)
                units = sum(
                    round(kwh * 10**9) for kwh in (*past, *(-e for e in earlier))
                )
                assert now(self.store.sums.async_past_since(key, hour)) == round(
                    units / 10**9, 6
                )
            firsts = [
                start
                for source_id, slots in self.slots.items()
                if key == source_key(source_id)
                for start in slots
            ]
            if firsts:
                assert now(self.store.sums.async_first_slot(key)) == min(firsts)


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(
    max_examples=30, stateful_step_count=20, deadline=None
)
