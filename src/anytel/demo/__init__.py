"""The demo: the service of the source document, traffic for it, and receivers that show what arrives where."""
