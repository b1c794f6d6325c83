"""Tests of `accounts/netatmo/`."""
