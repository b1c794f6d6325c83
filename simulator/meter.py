"""A meter that publishes the mean power since its previous reading."""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from simulator.home import Signal
from simulator.noise import Ints, mix_seed, uniform

SPACING_S = 30
FOREVER_MS = 1 << 62


class Role(StrEnum):
    """Where a meter is clamped."""

    GRID = "grid"
    GENERATION = "generation"


@dataclass(frozen=True)
class Reading:
    """Watts, the mean of the interval that ends with the stamp."""

    stamp_ms: int
    watts: int


@dataclass
class Span:
    """A time in which the meter publishes, half-open."""

    begin_ms: int
    end_ms: int = FOREVER_MS


@dataclass
class Meter:
    """A transmitter with its own phase, alive in some spans of time."""

    sid: str
    role: Role
    home: str
    signal: Signal
    seed: int
    since_ms: int
    removed_ms: int = FOREVER_MS
    spans: list[Span] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin to publish at the meter's beginning."""
        self.spans.append(Span(self.since_ms))

    def silence(self, at_ms: int) -> None:
        """Stop publishing at an instant."""
        self.spans[-1].end_ms = min(self.spans[-1].end_ms, at_ms)

    def wake(self, at_ms: int) -> None:
        """Publish again from an instant on."""
        self.spans.append(Span(max(at_ms, self.spans[-1].end_ms)))

    def remove(self, at_ms: int) -> None:
        """Vanish from the account at an instant."""
        self.silence(at_ms)
        self.removed_ms = at_ms

    def listed(self, now_ms: int) -> bool:
        """Tell whether the account shows the meter."""
        return self.since_ms <= now_ms < self.removed_ms

    def watts(self, now_ms: int) -> float:
        """Return the true power at an instant."""
        return self.signal.watts(now_ms)

    def newest(self, now_ms: int) -> Reading | None:
        """Return the newest reading that is visible at an instant."""
        for span in reversed(self.spans):
            end_ms = min(span.end_ms, now_ms + 1)
            begin_ms = max(span.begin_ms, end_ms - 2 * SPACING_S * 1000)
            if readings := self._in_span(begin_ms, end_ms):
                return readings[-1]
        return None

    def published(self, from_ms: int, to_ms: int, now_ms: int) -> list[Reading]:
        """Return the readings stamped in [from_ms, to_ms) and visible by now."""
        readings: list[Reading] = []
        for span in self.spans:
            begin_ms = max(span.begin_ms, from_ms)
            readings += self._in_span(begin_ms, min(span.end_ms, to_ms, now_ms + 1))
        return readings

    def energy(self, from_ms: int, to_ms: int) -> int:
        """Return the true milliwatt-seconds of [from_ms, to_ms)."""
        return self.signal.energy(from_ms, to_ms)

    def known_energy(self, from_ms: int, to_ms: int) -> int | None:
        """Return the milliwatt-seconds the cloud knows of, None without any."""
        parts = [
            (max(span.begin_ms, from_ms), min(span.end_ms, to_ms))
            for span in self.spans
        ]
        known = [(begin, end) for begin, end in parts if begin < end]
        if not known:
            return None
        return sum(self.signal.energy(begin, end) for begin, end in known)

    def _in_span(self, begin_ms: int, end_ms: int) -> list[Reading]:
        """Return the readings of one span's part."""
        if end_ms <= begin_ms:
            return []
        first = begin_ms // 1000 // SPACING_S - 2
        last = end_ms // 1000 // SPACING_S + 2
        stamps = self._stamps(np.arange(first, last + 1, dtype=np.int64))
        chosen = np.flatnonzero((stamps * 1000 >= begin_ms) & (stamps * 1000 < end_ms))
        if not len(chosen):
            return []
        edges = stamps[chosen[0] - 1 : chosen[-1] + 1]
        means = self.signal.energies(edges) / np.diff(edges) / 1000
        return [
            Reading(int(stamp) * 1000, round(float(mean)))
            for stamp, mean in zip(edges[1:], means, strict=True)
        ]

    def _stamps(self, numbers: Ints) -> Ints:
        """Return when the numbered readings are taken, in epoch seconds."""
        phase = mix_seed(self.seed, "phase") % SPACING_S
        jitter = np.floor(uniform(mix_seed(self.seed, "jitter"), numbers) * 3) - 1
        return numbers * SPACING_S + phase + jitter.astype(np.int64)
