"""A chat app behind the gateway, and a short conversation with it: ``make demo``."""
