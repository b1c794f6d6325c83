"""Netatmo's cloud, and the heated homes behind it."""
