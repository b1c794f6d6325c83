"""Tests of what Particle boards measure."""
