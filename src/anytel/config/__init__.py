"""Settings: where each value comes from, what it may be, and which backends it names."""
