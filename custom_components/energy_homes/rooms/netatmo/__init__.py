"""Rooms that Netatmo heats: commands, what holds, what is reported and shown."""
