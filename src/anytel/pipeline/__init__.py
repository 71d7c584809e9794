"""The way from a finished record to the backends: one buffer, a dispatcher, and for each a queue and a worker."""
