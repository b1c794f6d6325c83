"""Configuration folders as released versions left them, and how they are made and started."""
