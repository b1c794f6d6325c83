"""Tests of the simulator and of the fixtures around it."""
