"""Flows that set up accounts, homes and their meters."""
