"""A moderation backend of one's own, in thirty lines, with the tests that every backend has to pass."""
