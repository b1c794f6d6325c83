"""Tests of `flows/particle/`."""
