"""Tests of `flows/netatmo/`."""
