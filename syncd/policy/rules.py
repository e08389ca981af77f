"""The thresholds of the rules, from ``[policy.renewal]`` to ``[policy.cadence]``."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from syncd.policy.part import Days, Number, PolicyPart, Share, Weight, Whole


class RenewalPolicy(PolicyPart):
    """Renewal dates and states."""

    window_days: Days = Field(
        120, description="the renewal window opens so many days before renewal_date"
    )
    gap_days: Days = Field(30, description="a successor starts at most so many days after the end")
    overlap_days: Days = Field(
        30, description="a successor starts at most so many days before the end"
    )
    pick: Literal["earliest", "latest", "largest"] = Field(
        "earliest", description="which chain end rules when several contracts are in force"
    )
    default_term_months: Annotated[Whole, Field(ge=1, le=240)] = Field(
        12, description="term of a closed-won opportunity that names none"
    )


class TierPolicy(PolicyPart):
    """Tiers and key accounts. `names` are in order of importance, three or four of them."""

    method: Literal["pareto", "thresholds", "score"] = Field(
        "pareto", description="pareto (share of the book's ARR), thresholds (ARR bands) or score"
    )
    names: tuple[str, ...] = Field(
        ("strategic", "growth", "maintenance"),
        min_length=3,
        max_length=4,
        description="the tiers, most important first (3 or 4)",
    )
    strategic_share: Share = Field(
        0.4, description="the leading group reaches this share of the book's ARR"
    )
    strategic_min: Annotated[Whole, Field(ge=0)] = Field(
        5, description="fewest accounts in the leading group"
    )
    strategic_max: Annotated[Whole, Field(ge=1)] = Field(
        20, validate_default=True, description="most accounts in the leading group"
    )
    growth_potential_share: Weight = Field(
        0.25, description="expansion potential of this share of its own ARR makes an account growth"
    )
    key_account_share: Annotated[Number, Field(ge=0.05, le=0.15)] = Field(
        0.10, description="top share of customers with ARR that are key accounts (0.05 to 0.15)"
    )
    review_month: Annotated[Whole, Field(ge=1, le=12)] = Field(
        1, description="month in which tiers are reviewed with exact borders"
    )
    margin: Share = Field(
        0.2, description="how far past a border an account must be to change tier"
    )
    thresholds: tuple[Decimal, ...] = Field(
        (Decimal(100000), Decimal(20000)),
        validate_default=True,
        description="method thresholds: least ARR of each tier but the last",
    )
    score: dict[Literal["arr", "potential", "strategic"], Weight] = Field(
        {"arr": 0.6, "potential": 0.3, "strategic": 0.1}, description="method score: weights"
    )

    @field_validator("names")
    @classmethod
    def _different(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(names)) < len(names) or not all(name.strip() for name in names):
            raise ValueError("names of tiers must be different words")
        return names

    @field_validator("strategic_max")
    @classmethod
    def _room(cls, most: int, info: ValidationInfo) -> int:
        if info.data.get("strategic_min", 0) > most:
            raise ValueError("strategic_max is less than strategic_min")
        return most

    @field_validator("thresholds")
    @classmethod
    def _falling(cls, thresholds: tuple[Decimal, ...], info: ValidationInfo) -> tuple[Decimal, ...]:
        names = info.data.get("names")
        if info.data.get("method") != "thresholds" or names is None:
            return thresholds
        if len(thresholds) != len(names) - 1:
            raise ValueError(f"thresholds needs {len(names) - 1} amounts for {len(names)} tiers")
        for one, next_one in pairwise(thresholds):
            if next_one >= one:
                raise ValueError(
                    f"thresholds must fall from tier to tier, and {next_one:f} is not below "
                    f"{one:f}: a tier could never be reached"
                )
        return thresholds

    @field_validator("score")
    @classmethod
    def _weighed(cls, score: dict[str, float]) -> dict[str, float]:
        if not any(score.values()):
            raise ValueError("score needs a weight above 0")
        return score


HANDOFF_ITEMS = (
    "pain_points",
    "promised_outcomes",
    "champion",
    "economic_buyer",
    "skeptics",
    "contract_terms",
    "discounts",
    "verbal_commitments",
)
HandoffItem = Literal[
    "pain_points",
    "promised_outcomes",
    "champion",
    "economic_buyer",
    "skeptics",
    "contract_terms",
    "discounts",
    "verbal_commitments",
]
HandoffLimit = Literal["default", HandoffItem]
HANDOFF_WEIGHTS: dict[HandoffItem, float] = {
    "pain_points": 25,
    "promised_outcomes": 25,
    "champion": 10,
    "economic_buyer": 10,
    "skeptics": 5,
    "contract_terms": 10,
    "discounts": 10,
    "verbal_commitments": 5,
}


class HandoffPolicy(PolicyPart):
    """Which deals owe a handoff document, and what counts as an answer."""

    kinds: tuple[Literal["new", "expansion", "renewal", "other"], ...] = Field(
        ("new",), description="kinds of closed-won opportunities that owe a document"
    )
    lookback_days: Days = Field(180, description="deals closed longer ago owe none")
    due_business_days: Days = Field(5, description="business days after close until it is overdue")
    weights: dict[HandoffItem, Weight] = Field(
        HANDOFF_WEIGHTS, description="weight of each item; items left out keep their default"
    )
    min_chars: dict[HandoffLimit, Annotated[Whole, Field(ge=1)]] = Field(
        {"default": 2, "pain_points": 20, "promised_outcomes": 20},
        description="least characters of an answer; items left out keep their default",
    )
    placeholders: tuple[str, ...] = Field(
        (), description="further texts that are no answer, such as a template's"
    )

    @field_validator("weights")
    @classmethod
    def _weighed(cls, weights: dict[HandoffItem, float]) -> dict[HandoffItem, float]:
        if not any((HANDOFF_WEIGHTS | weights).values()):
            raise ValueError("at least one item needs a weight above 0")
        return weights

    def weight(self, item: HandoffItem) -> float:
        """The item's weight, its default where the policy names none."""
        return self.weights.get(item, HANDOFF_WEIGHTS[item])

    def least_chars(self, item: HandoffItem) -> int:
        """The fewest characters that make an answer to this item."""
        shipped = {"pain_points": 20, "promised_outcomes": 20}
        default = self.min_chars.get("default", 2)
        return self.min_chars.get(item, shipped.get(item, default))


class HealthBands(PolicyPart):
    """Least score of the green and the yellow band; below yellow is red."""

    green: Annotated[Number, Field(ge=0, le=100, description="least score of green")] = 70
    yellow: Annotated[
        Number,
        Field(ge=0, le=100, validate_default=True, description="least score of yellow"),
    ] = 40

    @field_validator("yellow")
    @classmethod
    def _ordered(cls, yellow: float, info: ValidationInfo) -> float:
        if yellow >= info.data.get("green", 100):
            raise ValueError("yellow must be below green")
        return yellow


HealthComponent = Literal["usage", "support", "engagement", "sentiment"]
HEALTH_WEIGHTS: dict[HealthComponent, float] = {
    "usage": 40,
    "support": 20,
    "engagement": 25,
    "sentiment": 15,
}


class HealthPolicy(PolicyPart):
    """The health score's components and bands."""

    weights: dict[HealthComponent, Weight] = Field(
        HEALTH_WEIGHTS,
        description="weight of each component; one left out keeps its default",
    )
    min_coverage: Annotated[Number, Field(ge=0, le=100)] = Field(
        40, description="percent of weight that must have had input, else the band is unknown"
    )
    bands: HealthBands = Field(HealthBands(), description="least score of green and of yellow")

    @field_validator("weights")
    @classmethod
    def _weighed(cls, weights: dict[HealthComponent, float]) -> dict[HealthComponent, float]:
        if not any((HEALTH_WEIGHTS | weights).values()):
            raise ValueError("at least one component needs a weight above 0")
        return weights

    def weight(self, component: HealthComponent) -> float:
        """The component's weight, its default where the policy names none."""
        return self.weights.get(component, HEALTH_WEIGHTS[component])


class CadencePolicy(PolicyPart):
    """Check-in and QBR intervals in days, one for each tier in order."""

    checkin_days: tuple[Annotated[Whole, Field(ge=1)], ...] = Field(
        (14, 30, 90), min_length=3, max_length=4, description="check-in interval of each tier"
    )
    qbr_days: tuple[Annotated[Whole, Field(ge=1)], ...] = Field(
        (90, 182, 365), min_length=3, max_length=4, description="QBR interval of each tier"
    )
