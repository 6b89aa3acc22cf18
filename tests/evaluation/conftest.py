"""The moderation service of the backends' tests, here too."""

from tests.backends.conftest import service

__all__ = ["service"]
