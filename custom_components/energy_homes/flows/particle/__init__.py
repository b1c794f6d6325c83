"""Forms of Particle accounts and of their boards."""
