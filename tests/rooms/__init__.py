"""The heating of homes in a whole Home Assistant, against the simulated cloud."""
