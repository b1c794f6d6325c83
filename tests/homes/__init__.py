"""Tests of `homes/`."""
