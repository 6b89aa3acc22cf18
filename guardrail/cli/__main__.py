"""``python -m guardrail.cli`` is the command ``guardrail``."""

from __future__ import annotations

import sys

from .main import main

sys.exit(main())
