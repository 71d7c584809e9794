"""Spans: recording them, their ids and decision, the exceptions they see, and the headers that carry them."""
