"""Tests of the account hubs."""
