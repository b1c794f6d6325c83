"""Tests of Energy Homes."""
