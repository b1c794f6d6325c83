"""What is shown of rooms that Netatmo heats."""
