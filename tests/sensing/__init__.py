"""Tests of sensors that are no meters."""
