"""Tests of the flows, in a whole Home Assistant."""
