"""The handoff document, sentence by sentence."""

from __future__ import annotations

import html
import re
import unicodedata
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from oracle.calendar_days import business_days_between
from oracle.health import half_up
from syncd.model import AccountRecords

WEIGHTS = {
    "Pain points": 25,
    "Promised outcomes": 25,
    "Champion": 10,
    "Economic buyer": 10,
    "Skeptics": 5,
    "Contract terms": 10,
    "Discounts": 10,
    "Verbal commitments": 5,
}
PLACEHOLDERS = [
    *("tbd", "tbc", "todo", "n/a", "na", "none", "nil", "unknown", "xxx", "see notes"),
    *("pending", "asap", "to be confirmed"),
]


def _punctuation(char: str) -> bool:
    category = unicodedata.category(char)
    if char == "%" or category == "Sc" or char.isalnum():
        return False
    return char.isspace() or category[0] in "PS"


def says_something(text: str | None, least: int, *, none_is_an_answer: bool) -> bool:
    """Whether an item counts."""
    if text is None:
        return False
    seen = html.unescape(re.sub(r"<[^>]*>", "", text)).strip()
    word = seen.lower()
    while word and _punctuation(word[0]):
        word = word[1:]
    while word and _punctuation(word[-1]):
        word = word[:-1]
    if none_is_an_answer and word in {"none", "n/a", "no", "nil"}:
        return True
    if len(seen) < least or word == "" or word in PLACEHOLDERS:
        return False
    return not (len(word) >= 2 and word == word[0] * len(word))


def values(records: AccountRecords, holidays: frozenset[date], today: date) -> dict[str, Any]:
    """The three values, with the policy's defaults."""
    documents = []
    for deal in records.opportunities:
        closed = deal.close_date
        if not deal.won or deal.kind != "new" or closed is None:
            continue
        if not today - timedelta(days=179) <= closed <= today:
            continue
        missing = []
        for label in WEIGHTS:
            item = label.lower().replace(" ", "_")
            text = getattr(deal.handoff, item) if deal.handoff is not None else None
            least = 20 if item in {"pain_points", "promised_outcomes"} else 2
            free = item in {"skeptics", "discounts", "verbal_commitments"}
            known = item in {"champion", "economic_buyer"} and any(
                c.active
                and (
                    item in c.roles
                    or any(r.contact == c.id and r.role == item for r in records.roles)
                )
                for c in records.contacts
            )
            if not known and not says_something(text, least, none_is_an_answer=free):
                missing.append(label)
        score = 100 - half_up(Fraction(sum(WEIGHTS[label] for label in missing)))
        state = "complete"
        if missing:
            late = business_days_between(closed, today, holidays) > 5
            state = "overdue" if late else "incomplete"
        documents.append((score, -closed.toordinal(), deal.id, "; ".join(missing) or None, state))
    if not documents:
        return {
            "handoff_completeness": None,
            "handoff_missing": None,
            "handoff_status": "not_required",
        }
    least_complete = min(row[:2] for row in documents)
    last_id = max(row[2] for row in documents if row[:2] == least_complete)
    score, _, _, missing_labels, state = next(
        row for row in documents if row[:2] == least_complete and row[2] == last_id
    )
    return {
        "handoff_completeness": score,
        "handoff_missing": missing_labels,
        "handoff_status": state,
    }
