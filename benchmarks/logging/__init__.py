"""Is it better to write log lines at once or in the background? ``python -m benchmarks.logging`` measures it."""
