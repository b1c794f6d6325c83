"""Tests of `ledger/`, and the processes that are killed in them."""
