"""Forms of Netatmo accounts and of the homes that they heat."""
