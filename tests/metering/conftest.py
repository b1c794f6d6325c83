"""Settings of property tests: a busy machine is slow, not wrong."""

from hypothesis import settings

settings.register_profile("energy_homes", deadline=None)
settings.load_profile("energy_homes")
