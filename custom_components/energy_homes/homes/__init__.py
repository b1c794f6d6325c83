"""A home and the directory of all homes: labels, sources, hardware in use."""
