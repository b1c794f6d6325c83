"""What the platforms' files share: descriptions of entities by subject."""
