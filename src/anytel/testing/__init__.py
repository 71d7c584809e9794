"""Tools for tests: loopback receivers that decode what arrives on each vendor's wire."""
