"""What scripts/test runs: the project's tests, and how their outcome is judged."""
