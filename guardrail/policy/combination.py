"""What may be said of checks that put others together, and of backends that a team wrote itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from .anycheck import ModelCheck
from .fields import CheckName, Score
from .part import Part
from .services import Json
from .units import wrong

Weight = Annotated[float, Field(gt=0, le=1000)]


class Band(Part):
    """Scores on the common scale: 0.25 strict, 0.5 balanced, 0.75 lenient."""

    low: Score = Field(0.25, description="Below it a text is clearly harmless.")
    high: Score = Field(0.75, description="From it on a text is clearly harmful.")

    @model_validator(mode="after")
    def _rises(self) -> Band:
        if self.low >= self.high:
            raise wrong("has a `low` that is not below its `high`", "Write {low: 0.25, high: 0.75}.")
        return self


class CombinedCheck(ModelCheck):
    """Several model checks as one. They need not be listed under input or output themselves."""

    use: Literal["any", "all", "first", "weighted"]
    of: tuple[CheckName, ...] = Field(min_length=2, description="The checks, by name; with first, in this order.")
    unsure: Band | None = Field(
        None, description="With first: the next one is also asked where the highest score lies here."
    )
    weights: Mapping[CheckName, Weight] = Field(default_factory=dict, description="With weighted. Left out: 1 each.")

    @model_validator(mode="after")
    def _fits(self) -> CombinedCheck:
        if len(set(self.of)) != len(self.of):
            raise wrong("names a check twice under `of`", "Name each once.")
        if self.unsure is not None and self.use != "first":
            raise wrong("has `unsure`, which only `use: first` has", "Take it away, or write use: first.")
        if self.weights and self.use != "weighted":
            raise wrong("has `weights`, which only `use: weighted` has", "Take them away, or write use: weighted.")
        if strange := sorted(set(self.weights) - set(self.of)):
            raise wrong(f"has a weight for {strange[0]}, which is not under `of`", "Take it away.")
        return self


class PythonCheck(ModelCheck):
    """A backend of your own, or of a package that is installed."""

    use: Literal["python"]
    backend: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.-]*(:[A-Za-z_]\w*)?$")] = Field(
        description="package.module:name of what makes it, or the name of an entry point `guardrail.backends`."
    )
    options: Mapping[str, Json] = Field(default_factory=dict, repr=False, description="Its own keyword arguments.")
