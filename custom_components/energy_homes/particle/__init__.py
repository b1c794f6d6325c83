"""Particle boards: what their events and variables measure. Pure."""
