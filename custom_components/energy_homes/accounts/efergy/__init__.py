"""Efergy accounts: poll, inventory, phase."""
