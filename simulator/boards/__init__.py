"""Pulse boards and sensor daemons: clients of Home Assistant over real HTTP."""
