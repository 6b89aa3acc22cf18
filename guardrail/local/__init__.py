"""The embedded moderation model. Importing this package loads no model and no numpy."""

from __future__ import annotations

from .backend import LocalBackend
from .moderation import LocalModeration

__all__ = ["LocalBackend", "LocalModeration"]
