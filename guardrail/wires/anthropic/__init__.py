"""Anthropic's API: messages, batches of them, files and skills; on its own host, Vertex and Azure."""
