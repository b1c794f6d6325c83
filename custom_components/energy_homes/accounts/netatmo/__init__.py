"""Netatmo accounts: tokens, budgets, what to ask when."""
