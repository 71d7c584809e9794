"""Metrics: the instruments, the store that aggregates them once, and what that gives to the backends."""
