"""Tests of `accounts/particle/`."""
