"""`syncd mappings suggest`: likely fields for what a mapping leaves open, from the CRM's schema.

A field is likely by its name and label, by its type, and by how often it is filled in the first
page of records. It is a draft for a person to look at, never used by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from syncd.connector import FieldType, SchemaField, Source
from syncd.errors import AccessError, RequestError
from syncd.mapping import HANDOFF_FIELDS, KINDS, PLAN_FIELDS, Field, SectionRules
from syncd.sync import Connected

KINDS_SUGGESTED = ("account", "opportunity", "contract", "contact", "ticket", "usage")
LEAST_LIKELY = 0.7
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "arr": ("arr", "annual recurring revenue", "recurring revenue", "acv", "annual contract value"),
    "csm": ("csm", "customer success manager", "success manager"),
    "executive_sponsor": ("executive sponsor", "exec sponsor", "sponsor"),
    "nps": ("nps", "net promoter score", "nps score"),
    "csat": ("csat", "customer satisfaction"),
    "seats": ("seats", "licenses", "licences", "users purchased"),
    "expansion_potential": ("expansion potential", "upsell potential", "whitespace"),
    "strategic": ("strategic", "strategic account", "key account"),
    "renewal_date_override": ("renewal date override", "manual renewal date"),
    "tier_override": ("tier override", "manual tier"),
    "term_months": ("term months", "term", "contract term", "term length", "subscription term"),
    "start_date": ("start date", "contract start", "subscription start"),
    "end_date": ("end date", "contract end", "expiry date", "expiration date", "subscription end"),
    "value": ("contract value", "total contract value", "tcv", "total value", "amount"),
    "auto_renew": ("auto renew", "auto renewal", "automatic renewal", "evergreen"),
    "notice_days": ("notice days", "notice period", "cancellation notice"),
    "renews": ("renews", "previous contract", "renewed contract"),
    "terminated_on": ("terminated on", "termination date", "cancelled on", "churn date"),
    "pain_points": ("pain points", "pain", "customer pain", "challenges"),
    "promised_outcomes": ("promised outcomes", "desired outcomes", "success criteria", "outcomes"),
    "champion": ("champion",),
    "economic_buyer": ("economic buyer", "decision maker"),
    "skeptics": ("skeptics", "sceptics", "detractors", "objections"),
    "contract_terms": ("contract terms", "special terms", "terms"),
    "discounts": ("discounts", "discount", "discount reason"),
    "verbal_commitments": ("verbal commitments", "verbal promises", "side promises"),
    "active_users": ("active users", "wau", "weekly active users"),
    "logins": ("logins", "sign ins"),
    "period_start": ("period start", "week", "week start"),
}
FITTING: Mapping[str, frozenset[FieldType]] = {
    "money": frozenset({FieldType.MONEY, FieldType.NUMBER}),
    "number": frozenset({FieldType.NUMBER, FieldType.PERCENT}),
    "duration": frozenset({FieldType.NUMBER}),
    "date": frozenset({FieldType.DATE, FieldType.DATETIME}),
    "datetime": frozenset({FieldType.DATE, FieldType.DATETIME}),
    "bool": frozenset({FieldType.BOOL}),
}
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_NOISE = frozenset({"c", "hs", "syncd", "custom"})


class Suggestion(Struct, frozen=True):
    """A likely field. `filled` is a share of the records looked at; None: none was read."""

    kind: str
    section: str
    name: str
    object: str
    field: str
    label: str
    type: str
    filled: float | None


def suggest(connected: Connected) -> Iterator[Suggestion]:
    """Likely fields for the canonical ones that the mapping names no field for, best first.

    The connection must be open. Reads the schema and one page of records of each object.
    """
    document = connected.mapping.document
    written = {one.field.lower() for one in document.writes}
    for section in document.sections:
        if section.kind not in KINDS_SUGGESTED:
            continue
        try:
            schema = connected.connector.schema(section.object)
        except (AccessError, RequestError):
            continue
        used = {name.lower() for name, _ in section.crm_fields()} | written
        free = [
            field
            for field in schema.fields.values()
            if field.name.lower() not in used and not field.references
        ]
        likely = list(_likely(section, free))
        filled = _filled(connected, section, [field for _, _, field in likely])
        for part, wanted, field in likely:
            yield Suggestion(
                kind=section.kind,
                section=part,
                name=wanted.name,
                object=section.object,
                field=field.name,
                label=field.label,
                type=field.vendor_type or str(field.type),
                filled=filled.get(field.name),
            )


def _likely(
    section: SectionRules, free: Sequence[SchemaField]
) -> Iterator[tuple[str, Field, SchemaField]]:
    """For each open canonical field the likeliest of the CRM's."""
    open_fields = [
        ("fields", field)
        for name, field in KINDS[section.kind].items()
        if name not in section.inputs
    ]
    part = {"account": ("plan", PLAN_FIELDS), "opportunity": ("handoff", HANDOFF_FIELDS)}.get(
        section.kind
    )
    if part is not None:
        open_fields += [(part[0], f) for name, f in part[1].items() if name not in section.parts]
    for place, wanted in open_fields:
        ranked = [(_likeness(wanted, field), field) for field in free]
        score, best = max(ranked, key=lambda one: one[0], default=(0.0, None))
        if best is not None and score >= LEAST_LIKELY:
            yield place, wanted, best


def _likeness(wanted: Field, field: SchemaField) -> float:
    """From 0 to 1: how well a field's name or label fits, none where its type cannot."""
    fitting = FITTING.get(wanted.shape.codec)
    if fitting is not None and field.type not in fitting:
        return 0.0
    meant = [_words(one) for one in SYNONYMS.get(wanted.name, (wanted.name.replace("_", " "),))]
    said = [_words(field.name), _words(field.label)]
    return max((_overlap(one, other) for one in meant for other in said), default=0.0)


def _words(text: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(text)) - _NOISE


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one and other else 0.0


def _filled(
    connected: Connected, section: SectionRules, fields: Sequence[SchemaField]
) -> dict[str, float]:
    """The share of records of the first page in which each field says something."""
    if not fields:
        return {}
    names = tuple(dict.fromkeys(field.name for field in fields))
    source = Source(name="suggest", object=section.object, fields=names, where=section.where)
    page = next(iter(connected.connector.pull(source, None)), None)
    if page is None or not page.records:
        return {}
    return {
        name: sum(record.fields.get(name) not in (None, "", [], False) for record in page.records)
        / len(page.records)
        for name in names
    }
