"""Forms of pulse boards."""
