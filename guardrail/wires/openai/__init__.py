"""OpenAI's API, and those that speak its language."""
