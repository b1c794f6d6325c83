"""Tests of `flows/imports/`."""
