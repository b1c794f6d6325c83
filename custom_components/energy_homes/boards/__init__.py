"""What pulse boards and sensor daemons send. No Home Assistant, no I/O."""
