"""A model to try things with: scripted, deterministic, and in need of nothing."""
