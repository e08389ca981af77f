"""What every part of the policy is: strict and frozen; and the numbers that they are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Whole = Annotated[int, Field(strict=True)]
Number = Annotated[float, Field(strict=True)]
Share = Annotated[Number, Field(ge=0, le=1)]
Days = Annotated[Whole, Field(ge=0, le=3650)]
Weight = Annotated[Number, Field(ge=0)]
Truth = Annotated[bool, Field(strict=True)]


class PolicyPart(BaseModel):
    """Strict and frozen: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)
