"""What happens in a room besides heating: people, appliances, windows."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from simulator.noise import Floats, Ints, mix_seed, uniform
from simulator.thermal.trace import Bools
from simulator.thermal.weather import MINUTES_PER_DAY

PERSON_W = 80.0
APPLIANCES_W_PER_M2 = 2.5
GAIN_MINUTES = 180
WINDOW_SHARE = 0.25
FIRST_WINDOW_MINUTE = 7 * 60
LAST_WINDOW_MINUTE = 21 * 60
HALF_HOUR = 30
EPOCH_WEEKDAY = 3
WEEKEND = 5


def wall_minutes(zone: ZoneInfo, minutes: Ints) -> Ints:
    """Return the wall-clock minutes of epoch minutes, as if wall time were UTC."""
    first, last = int(minutes[0]) // HALF_HOUR, int(minutes[-1]) // HALF_HOUR
    offsets = np.array(
        [_offset_minutes(zone, half) for half in range(first, last + 1)], dtype=np.int64
    )
    return minutes + offsets[minutes // HALF_HOUR - first]


def people(wall: Ints) -> Floats:
    """Return how many people are in a room: at home mornings and evenings."""
    minute = wall % MINUTES_PER_DAY
    weekend = (wall // MINUTES_PER_DAY + EPOCH_WEEKDAY) % 7 >= WEEKEND
    morning = (minute >= 6.5 * 60) & (minute < 8.5 * 60)
    evening = (minute >= 17 * 60) & (minute < 22.5 * 60)
    day = (minute >= 8 * 60) & (minute < 23 * 60)
    return np.where(weekend, day, morning | evening).astype(np.float64)


def appliances_w(seed: int, floor_m2: float, minutes: Ints) -> Floats:
    """Return the heat of appliances, which changes every three hours."""
    factor = 0.5 + 1.1 * uniform(mix_seed(seed, "appliances"), minutes // GAIN_MINUTES)
    return np.asarray(APPLIANCES_W_PER_M2 * floor_m2 * factor)


def window_open(seed: int, wall: Ints) -> Bools:
    """Tell when somebody airs the room: on some days, for 5 to 20 minutes."""
    day, minute = wall // MINUTES_PER_DAY, wall % MINUTES_PER_DAY
    airs = uniform(mix_seed(seed, "airs"), day) < WINDOW_SHARE
    chance = uniform(mix_seed(seed, "airs at"), day)
    begin = FIRST_WINDOW_MINUTE + chance * (LAST_WINDOW_MINUTE - FIRST_WINDOW_MINUTE)
    length = 5 + 15 * uniform(mix_seed(seed, "airs for"), day)
    return np.asarray(airs & (minute >= begin) & (minute < begin + length))


def _offset_minutes(zone: ZoneInfo, half_hour: int) -> int:
    """Return how far wall time is ahead of UTC in a half hour."""
    instant = datetime.fromtimestamp(half_hour * HALF_HOUR * 60, UTC)
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds()) // 60
