"""The words that the answers share."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

Plain = str | int | float | bool | None
Text = Annotated[str, Meta(description="plain text")]
Day = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$", description="a date")]
Moment = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}T", description="a moment, in UTC")]
Money = Annotated[str, Meta(pattern=r"^-?\d+(\.\d+)?$", description="an amount, exact")]
Fraction = Annotated[float, Meta(description="a share: 0.25 is 25 %")]
Count = Annotated[int, Meta(ge=0)]
Before = Annotated[Plain, Meta(description="what the CRM shows now")]
After = Annotated[Plain, Meta(description="what the CRM will show")]
Because = Annotated[str, Meta(description="the reason, in a sentence")]
ExitCode = Annotated[
    int, Meta(description="0 done, 2 config or arguments, 3 some refused, 4 held, 5 not reached")
]
