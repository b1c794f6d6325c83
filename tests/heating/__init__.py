"""Tests of the heating core."""
