"""Tests of `endpoints/`."""
