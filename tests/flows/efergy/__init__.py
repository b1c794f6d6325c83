"""Tests of `flows/efergy/`."""
