"""The tests, one module per area: mixin classes of which `BackendConformance` consists."""
