"""Tests of `accounts/efergy/`."""
