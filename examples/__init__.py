"""Small apps as a user would write them. Each runs by ``python -m examples.NAME``."""
