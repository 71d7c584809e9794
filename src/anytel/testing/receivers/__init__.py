"""Loopback receivers, one per vendor protocol. Each is a context manager that decodes what arrives, for tests and the demo."""
