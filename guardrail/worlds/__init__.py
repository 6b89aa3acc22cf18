"""Where effects become real input and output: ``SyncWorld`` for threads, ``AsyncWorld`` for asyncio.

Nothing that decides may import this room: exchange, checks, backends, wires and policy yield
effects and never learn who answers them. The HTTP library loads with the first ``Fetch``.
"""

from __future__ import annotations

from .asks import Pending
from .fetch import preload
from .loop import AsyncWorld
from .threads import SyncWorld

__all__ = ["AsyncWorld", "Pending", "SyncWorld", "preload"]
