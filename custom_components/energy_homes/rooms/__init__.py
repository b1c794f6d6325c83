"""Rooms of heated homes: commands, what holds, what is shown and stored."""
