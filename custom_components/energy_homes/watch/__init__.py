"""What turns up and what goes missing: discovery, and repairs for parts that are gone."""
