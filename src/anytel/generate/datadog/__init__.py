"""The target ``datadog``."""
