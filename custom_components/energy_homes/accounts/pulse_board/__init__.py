"""Pulse boards: channels, counts, what was acknowledged."""
