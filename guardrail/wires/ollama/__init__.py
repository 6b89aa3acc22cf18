"""Ollama's own API; the one like OpenAI's that it has as well is read as OpenAI's."""
