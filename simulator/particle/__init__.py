"""Particle's cloud: boards, variables, tokens and event streams."""
