"""The backends that need no vendor."""
