"""A module that fails as it is imported."""

raise RuntimeError("it is broken")
