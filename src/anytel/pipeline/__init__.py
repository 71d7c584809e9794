"""The way from a finished record to each backend: one bounded buffer, a dispatcher, and per backend a queue and a worker."""
