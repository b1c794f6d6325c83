"""Measurements of Energy Homes."""
