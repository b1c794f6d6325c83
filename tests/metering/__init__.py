"""Tests of the pure metering core."""
