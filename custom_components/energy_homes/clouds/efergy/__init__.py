"""Efergy's cloud: client, replies, history."""
