"""Noise that is a pure function of a seed and an index, the same everywhere."""

import hashlib

import numpy as np
import numpy.typing as npt

type Floats = npt.NDArray[np.float64]
type Ints = npt.NDArray[np.int64]


def mix_seed(*parts: int | str) -> int:
    """Return a 63 bit seed that depends on every part."""
    text = "\x1f".join(str(part) for part in parts)
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1


def made_id(*parts: str) -> str:
    """Return an id of 24 hex digits."""
    return f"{mix_seed(*parts):016x}{mix_seed(*parts, 'more'):016x}"[:24]


def uniform(seed: int, index: Ints) -> Floats:
    """Return a number in [0, 1) for each index (splitmix64)."""
    value = index.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    value ^= value >> np.uint64(31)
    return (value >> np.uint64(11)).astype(np.float64) / float(1 << 53)


def smooth(seed: int, seconds: Ints, spacing_s: int) -> Floats:
    """Return noise in [0, 1) that bends every `spacing_s` seconds."""
    first = int(seconds[0]) // spacing_s
    last = int(seconds[-1]) // spacing_s + 1
    knots = np.arange(first, last + 1, dtype=np.int64)
    return np.interp(seconds, knots * spacing_s, uniform(seed, knots))
