"""Netatmo's way of heating: modes, schedules, rooms and modules on record; pure."""
