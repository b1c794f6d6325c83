"""Tests of `entities/`."""
