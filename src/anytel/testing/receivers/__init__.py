"""Loopback receivers, one per vendor protocol: context managers that decode what arrives."""
