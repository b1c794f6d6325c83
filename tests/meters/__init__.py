"""Tests of `meters/`."""
