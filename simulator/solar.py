"""Solar production: the sun over London, and clouds."""

import numpy as np

from simulator.noise import Floats, Ints, mix_seed, smooth

LATITUDE = np.radians(51.5)
SECONDS_PER_DAY = 86_400
SECONDS_PER_YEAR = 365.2425 * SECONDS_PER_DAY
WINTER_SOLSTICE_S = 10 * SECONDS_PER_DAY
EARTH_TILT = np.radians(23.44)


def sun_height(seconds: Ints) -> Floats:
    """Return the sine of the sun's elevation, negative at night."""
    season = 2 * np.pi * (seconds + WINTER_SOLSTICE_S) / SECONDS_PER_YEAR
    declination = -EARTH_TILT * np.cos(season)
    hour_angle = 2 * np.pi * ((seconds % SECONDS_PER_DAY) / SECONDS_PER_DAY - 0.5)
    high = np.sin(LATITUDE) * np.sin(declination)
    wide = np.cos(LATITUDE) * np.cos(declination) * np.cos(hour_angle)
    return np.asarray(high + wide, dtype=np.float64)


def production(seed: int, peak_w: float, seconds: Ints) -> Floats:
    """Return the power of panels of `peak_w`, zero at night."""
    height = np.clip(sun_height(seconds), 0, None)
    weather = smooth(mix_seed(seed, "weather"), seconds, 6 * 3600)
    clouds = smooth(mix_seed(seed, "clouds"), seconds, 240)
    clear = 1 - 0.85 * np.clip(0.9 * weather + 0.5 * clouds - 0.3, 0, 1)
    return peak_w * height**1.2 * clear
