"""Tests of `flows/sources/`."""
