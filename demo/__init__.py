"""The demo: a real Home Assistant with two simulated homes, set up as a user would do it."""
