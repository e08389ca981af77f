"""The closed vocabulary of what can be read: the kinds and their fields.

What a field means stands in docs/rules.md; here stands what a mapping may say about it.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from syncd.mapping.shapes import (
    BOOL,
    CHOICE,
    CURRENCY,
    DATE,
    DOMAIN,
    LINK,
    LONG,
    MOMENT,
    MONEY,
    MONTHS,
    NUMBER,
    ROLES,
    SIGNAL,
    TEXT,
    WHOLE,
    Shape,
)
from syncd.policy import HANDOFF_ITEMS


class Field(Struct, frozen=True):
    """A canonical field. `vital`: a record whose value cannot be read is refused as a whole.

    `choices` are the words it may hold; `lenient` ones drop words that syncd does not know.
    """

    name: str
    shape: Shape
    text: str
    choices: tuple[str, ...] = ()
    vital: bool = False
    lenient: bool = False


def _fields(*fields: Field) -> dict[str, Field]:
    return {field.name: field for field in fields}


CONTACT_ROLES = (
    "champion",
    "economic_buyer",
    "technical_evaluator",
    "end_user",
    "executive_sponsor",
    "blocker",
)
_HANDOFF_TEXTS = {
    "pain_points": "what hurts the customer",
    "promised_outcomes": "what sales promised",
    "champion": "who wants it",
    "economic_buyer": "who pays",
    "skeptics": "who doubts it",
    "contract_terms": "terms out of the ordinary",
    "discounts": "what was taken off, and why",
    "verbal_commitments": "what was promised but not written down",
}
HANDOFF_FIELDS = _fields(*(Field(item, LONG, _HANDOFF_TEXTS[item]) for item in HANDOFF_ITEMS))
PLAN_FIELDS = _fields(
    Field("overview", LONG, "the plan's overview"),
    Field("health_assessment", LONG, "how the account fares"),
    Field("goals", LONG, "goals"),
    Field("actions", LONG, "actions with owners and due dates"),
    Field("success_metrics", LONG, "what success is measured by"),
    Field("updated_on", DATE, "when the plan was last worked on"),
)

KINDS: Mapping[str, Mapping[str, Field]] = {
    "account": _fields(
        Field("name", TEXT, "the company's name"),
        Field("domain", DOMAIN, "its web domain"),
        Field("link", TEXT, "the id of the same customer's account in another linked CRM"),
        Field(
            "status",
            CHOICE,
            "prospect, customer or churned; an account without one is a customer",
            ("prospect", "customer", "churned"),
            vital=True,
        ),
        Field("owner", LINK, "the account manager, a user's id"),
        Field("csm", LINK, "the customer success manager, a user's id"),
        Field("parent", LINK, "the parent company's account"),
        Field("segment", TEXT, "segment, to group by"),
        Field("region", TEXT, "region, to group by"),
        Field("currency", CURRENCY, "the currency of this record's amounts"),
        Field("arr", MONEY, "ARR, if the CRM keeps it"),
        Field("expansion_potential", MONEY, "ARR that could be won on top"),
        Field("strategic", BOOL, "flagged as strategic"),
        Field("executive_sponsor", TEXT, "our executive sponsor"),
        Field("tier_override", TEXT, "a tier that wins over the computed one"),
        Field("renewal_date_override", DATE, "a renewal date that wins over the computed one"),
        Field("seats", WHOLE, "seats bought"),
        Field("nps", NUMBER, "Net Promoter Score, -100 to 100"),
        Field("csat", NUMBER, "customer satisfaction, 1 to 5"),
        Field("cross_sell", SIGNAL, "a cross-sell signal: a tick or its text"),
        Field("created_on", DATE, "when the account was created"),
    ),
    "opportunity": _fields(
        Field("account", LINK, "its account"),
        Field("name", TEXT, "its name"),
        Field(
            "kind",
            CHOICE,
            "new, expansion, renewal or other",
            ("new", "expansion", "renewal", "other"),
            vital=True,
        ),
        Field("stage", TEXT, "the stage's name"),
        Field("closed", BOOL, "closed, won or lost", vital=True),
        Field("won", BOOL, "closed and won", vital=True),
        Field("close_date", DATE, "when it closed or is to close", vital=True),
        Field("amount", MONEY, "its amount (see amount_is)", vital=True),
        Field("currency", CURRENCY, "the currency of its amount", vital=True),
        Field("term_months", MONTHS, "the term it sells, in months", vital=True),
        Field("start_date", DATE, "when the term it sells begins", vital=True),
        Field("owner", LINK, "the account executive, a user's id"),
        Field("contract", LINK, "the contract it belongs to"),
    ),
    "handoff": _fields(
        Field("opportunity", LINK, "the opportunity it belongs to"), *HANDOFF_FIELDS.values()
    ),
    "contract": _fields(
        Field("account", LINK, "its account"),
        Field("name", TEXT, "its name or number"),
        Field(
            "status",
            CHOICE,
            "draft, active or terminated",
            ("draft", "active", "terminated"),
            vital=True,
        ),
        Field("start_date", DATE, "its first day", vital=True),
        Field("end_date", DATE, "its last day", vital=True),
        Field("term_months", MONTHS, "its term in months", vital=True),
        Field("value", MONEY, "its value (see value_is)", vital=True),
        Field("arr", MONEY, "its ARR, if the CRM keeps it", vital=True),
        Field("currency", CURRENCY, "the currency of its amounts", vital=True),
        Field("auto_renew", BOOL, "renews by itself", vital=True),
        Field("notice_days", WHOLE, "days of notice before its end"),
        Field("renews", LINK, "the contract that it renews"),
        Field("terminated_on", DATE, "when it was terminated", vital=True),
        Field("opportunity", LINK, "the opportunity that won it"),
    ),
    "contact": _fields(
        Field("account", LINK, "the account they work for"),
        Field("name", TEXT, "their name"),
        Field("title", TEXT, "their title"),
        Field("roles", ROLES, "their roles", CONTACT_ROLES, lenient=True),
        Field("last_activity_on", DATE, "when something last happened with them"),
        Field("active", BOOL, "still there"),
    ),
    "role": _fields(
        Field("contact", LINK, "the contact"),
        Field("opportunity", LINK, "the opportunity in which they have it"),
        Field("account", LINK, "or the account"),
        Field("role", CHOICE, "the role", CONTACT_ROLES, lenient=True),
    ),
    "ticket": _fields(
        Field("account", LINK, "its account"),
        Field("opened_at", MOMENT, "when it was opened", vital=True),
        Field("closed_at", MOMENT, "when it was closed", vital=True),
        Field(
            "priority", CHOICE, "low, normal, high or urgent", ("low", "normal", "high", "urgent")
        ),
        Field("escalated", BOOL, "escalated"),
    ),
    "activity": _fields(
        Field("account", LINK, "its account"),
        Field("contact", LINK, "the contact it was with"),
        Field(
            "kind",
            CHOICE,
            "meeting, call, email_out, email_in, qbr or other",
            ("meeting", "call", "email_out", "email_in", "qbr", "other"),
            vital=True,
        ),
        Field("at", MOMENT, "when it happened", vital=True),
    ),
    "usage": _fields(
        Field("account", LINK, "its account"),
        Field("period_start", DATE, "the first day of the week it counts", vital=True),
        Field("active_users", WHOLE, "people who used the product"),
        Field("logins", WHOLE, "logins"),
        Field("seats", WHOLE, "seats"),
    ),
    "user": _fields(
        Field("id", LINK, "the id by which records name the user"),
        Field("name", TEXT, "their name"),
        Field("email", TEXT, "their mail address"),
        Field("active", BOOL, "may be given tasks"),
        Field("manager", LINK, "their manager, a user's id"),
    ),
}

REQUIRED: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "opportunity": (("account",),),
    "handoff": (("opportunity",),),
    "contract": (("account",),),
    "contact": (("account",),),
    "role": (("contact",), ("role",), ("opportunity", "account")),
    "ticket": (("account",),),
    "activity": (("account", "contact"),),
    "usage": (("account",),),
}
"""Fields without which a section is of no use: of each group at least one."""

ADVISED: Mapping[str, Mapping[tuple[str, ...], str]] = {
    "opportunity": {
        ("won",): "no deal will count as won",
        ("close_date",): "handoffs and renewal deals cannot be judged by date",
    },
    "contract": {
        ("start_date",): "contracts without a start are refused",
        ("end_date", "term_months"): "contracts without end and term are refused",
    },
    "ticket": {("opened_at",): "support cannot be judged"},
    "activity": {("at",): "no activity will count as a touch"},
    "usage": {("period_start",): "usage cannot be ordered by week"},
}
"""Fields whose absence makes a section useless for some rules, and what it costs."""
