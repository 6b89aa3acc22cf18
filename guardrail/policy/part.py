"""What every part of a policy file is: strict, frozen, and silent about its values in errors."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Strategy = Literal["window", "buffer", "after"]


class Part(BaseModel):
    """Unknown keys are errors, values do not change, and no error shows its input."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
