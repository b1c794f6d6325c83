"""Running totals in memory, in whole micro-Wh, so that reading one costs nothing.

A slot that starts before its source's `live_from` is of the past: it is kept as any other,
but the present total is without it. Totals lead from there backwards, below zero.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from ..metering.model import MeterRole
from .types import HomeQuantity, LedgerError, home_key, source_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Energy and returned energy in micro-Wh."""

    energy: int = 0
    returned: int = 0

    def plus(self, other: Self) -> Sums:
        """Return both together."""
        return Sums(
            energy=self.energy + other.energy, returned=self.returned + other.returned
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """What is known of a source: its row, its home, and the sums of its slots by role.

    `past` are the sums of those slots alone that start before `live_from`.
    """

    number: int
    home_id: str
    settled_until: int | None = None
    live_from: int | None = None
    sums: Mapping[MeterRole, Sums] = field(default_factory=dict)
    past: Mapping[MeterRole, Sums] = field(default_factory=dict)

    def keys(self, source_id: str, role: MeterRole) -> tuple[str, ...]:
        """Return the keys of the totals that slots of a role count for."""
        whats: tuple[HomeQuantity, ...]
        match role:
            case MeterRole.GRID:
                whats = ("grid", "returned")
            case MeterRole.GENERATION:
                whats = ("generation",)
            case MeterRole.SUBMETER:
                whats = ()
        return source_key(source_id), *(home_key(self.home_id, what) for what in whats)

    def with_slots(
        self, sums: Mapping[MeterRole, Sums], past: Mapping[MeterRole, Sums]
    ) -> SourceState:
        """Return the state after slots were committed, some of them of the past."""
        return replace(
            self, sums=_together(self.sums, sums), past=_together(self.past, past)
        )


def _together(
    some: Mapping[MeterRole, Sums], more: Mapping[MeterRole, Sums]
) -> dict[MeterRole, Sums]:
    """Return the sums of both by role."""
    return {
        role: some.get(role, Sums()).plus(more.get(role, Sums()))
        for role in (*some, *more)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """Which slots a key adds up: whose, of which role (None: any), and which energy."""

    sources: tuple[SourceState, ...]
    role: MeterRole | None
    returned: bool

    def past_sum(self) -> int:
        """Return the sum over the slots from before their source was there in micro-Wh."""
        return self._sum(source.past for source in self.sources)

    def live_sum(self) -> int:
        """Return the sum over all other committed slots in micro-Wh."""
        return self._sum(source.sums for source in self.sources) - self.past_sum()

    def _sum(self, some: Iterable[Mapping[MeterRole, Sums]]) -> int:
        """Return the energy that is meant in sums by role."""
        return sum(
            sums.returned if self.returned else sums.energy
            for by_role in some
            for role, sums in by_role.items()
            if self.role in (None, role)
        )


@dataclass(frozen=True, slots=True)
class Carry:
    """Energy in micro-Wh that a key has from `at_us` on, besides its slots."""

    at_us: int
    energy: int


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """All that is kept in memory; replaced as a whole by each commit.

    A reader on another thread therefore sees the ledger as one commit left it.
    """

    sources: Mapping[str, SourceState] = field(default_factory=dict)
    carries: Mapping[str, tuple[Carry, ...]] = field(default_factory=dict)

    def source(self, source_id: str) -> SourceState:
        """Return a source; raises LedgerError for one that was never added."""
        if (source := self.sources.get(source_id)) is None:
            raise LedgerError(f"The ledger has no source {source_id}")
        return source

    def with_source(self, source_id: str, source: SourceState) -> State:
        """Return the state with one source new or changed."""
        return replace(self, sources={**self.sources, source_id: source})

    def with_carry(self, key: str, carry: Carry) -> State:
        """Return the state with one more carry."""
        carries = (*self.carries.get(key, ()), carry)
        return replace(self, carries={**self.carries, key: carries})

    def without(self, source_ids: Iterable[str], keys: Iterable[str]) -> State:
        """Return the state without some sources and the carries of some keys."""
        gone, gone_keys = set(source_ids), set(keys)
        return State(
            sources={k: v for k, v in self.sources.items() if k not in gone},
            carries={k: v for k, v in self.carries.items() if k not in gone_keys},
        )

    def of_home(self, home_id: str) -> Iterator[tuple[str, SourceState]]:
        """Return the sources that a home has or had, with their ids."""
        return (
            (source_id, source)
            for source_id, source in self.sources.items()
            if source.home_id == home_id
        )

    def quantity(self, key: str) -> Quantity:
        """Return what a key adds up; raises ValueError for what is not a key."""
        match key.split(":"):
            case ["source", source_id]:
                source = self.sources.get(source_id)
                return Quantity(
                    sources=() if source is None else (source,),
                    role=None,
                    returned=False,
                )
            case ["home", home_id, ("grid" | "generation" | "returned") as what]:
                return Quantity(
                    sources=tuple(source for _, source in self.of_home(home_id)),
                    role=MeterRole.GENERATION
                    if what == "generation"
                    else MeterRole.GRID,
                    returned=what == "returned",
                )
        raise ValueError(f"{key} is not the key of a total")

    def carried(self, key: str, before_us: int | None = None) -> int:
        """Return a key's carries in micro-Wh, those before an instant or all."""
        return sum(
            carry.energy
            for carry in self.carries.get(key, ())
            if before_us is None or carry.at_us < before_us
        )

    def total(self, key: str) -> int:
        """Return the total of a key in micro-Wh: what counts since its sources are there."""
        return self.quantity(key).live_sum() + self.carried(key)
