"""Forms of Efergy accounts."""
