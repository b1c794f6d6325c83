"""The demo: a real Home Assistant with three simulated homes, set up as a user would do it."""
