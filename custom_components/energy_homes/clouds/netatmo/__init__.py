"""Netatmo's cloud: client, OAuth, replies, history."""
