"""Tests of `watch/`."""
