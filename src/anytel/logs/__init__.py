"""Logs with context: the logger, the chain every event goes through, and how a line is written."""
