"""Particle's cloud: client, stream of events, replies."""
