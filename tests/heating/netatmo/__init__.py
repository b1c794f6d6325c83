"""Tests of `heating/netatmo/`."""
