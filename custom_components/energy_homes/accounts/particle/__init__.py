"""Particle accounts: one stream, boards and what they measure."""
