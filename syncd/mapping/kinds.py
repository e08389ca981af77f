"""Records of each kind, made from the values that the closures read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import tzinfo
from decimal import Decimal
from typing import Any, TypeAlias

from syncd.connector import Record
from syncd.mapping.codecs import UnreadableError, read_number
from syncd.mapping.context import ReadContext, yearly
from syncd.mapping.document import Input, SectionRules
from syncd.mapping.ids import full_id
from syncd.mapping.reading import Getter, Links, UnknownWordError, absent_of, getter_of
from syncd.mapping.shapes import LINK
from syncd.model import (
    Account,
    AccountPlan,
    Activity,
    Contact,
    Contract,
    Finding,
    Handoff,
    Opportunity,
    Ref,
    Role,
    Ticket,
    Usage,
    User,
)

Canonical: TypeAlias = (
    Account
    | Opportunity
    | Handoff
    | Contract
    | Contact
    | Role
    | Ticket
    | Activity
    | Usage
    | User
    | Finding
)
MODELS: Mapping[str, type[Any]] = {
    "account": Account,
    "opportunity": Opportunity,
    "handoff": Handoff,
    "contract": Contract,
    "contact": Contact,
    "role": Role,
    "ticket": Ticket,
    "activity": Activity,
    "usage": Usage,
    "user": User,
}
_PARTS: Mapping[str, type[Any]] = {"account": AccountPlan, "opportunity": Handoff}
_HAVE_ID = frozenset(MODELS) - {"handoff", "role", "usage", "user"}
_SHOWN_CHARACTERS = 60


class SectionReader:
    """Reads one kind off the records of one source."""

    def __init__(
        self,
        connection: str,
        section: SectionRules,
        *,
        fraction: bool,
        short_ids: bool = False,
        own_key: str | None = None,
    ) -> None:
        """Make the closures. A record that has `own_key` filled is syncd's own, and nothing.

        With `short_ids`, ids of other records may come without their check letters.
        """
        self._own_key = own_key
        self._connection = connection
        self._section = section
        self.kind = section.kind
        model = MODELS[section.kind]
        self._model = model
        self._own = _getters(section.inputs, model, fraction=fraction, short_ids=short_ids)
        self._parts = (
            _getters(section.parts, _PARTS[section.kind], fraction=fraction)
            if section.has_parts
            else ()
        )
        self._finish: Callable[[dict[str, Any], Ref, ReadContext], Finding | None] | None = {
            "account": self._account,
            "opportunity": self._opportunity,
            "contract": self._contract,
        }.get(section.kind)

    def read(self, record: Record, context: ReadContext) -> list[Canonical]:
        """The record in canonical form, and a Finding for each value that cannot be read."""
        if self._own_key is not None and record.fields.get(self._own_key):
            return []
        zone, fields, links = context.timezone, record.fields, record.links
        ref = Ref(self._connection, self._section.object, record.id)
        out: list[Canonical] = []
        try:
            values = {name: get(fields, links, zone) for name, get, _ in self._own}
            parts = {name: get(fields, links, zone) for name, get, _ in self._parts}
        except UnreadableError:
            findings, values, parts, vital = self._carefully(record, ref, context)
            if vital:
                return [*findings]
            out += findings
        if self.kind in _HAVE_ID:
            values["id"] = record.id
        elif self.kind == "user":
            values["id"] = values.get("id") or record.id
        if self._section.has_parts:
            self._add_parts(values, parts, ref, record.id)
        if self._section.meters:
            values["meters"] = self._meters(record, ref, context, out)
        if self._finish is not None:
            finding = self._finish(values, ref, context)
            if finding is not None:
                out.append(finding)
                if self.kind != "account":
                    return out
        out.append(self._model(ref=ref, **values))
        return out

    def _carefully(
        self, record: Record, ref: Ref, context: ReadContext
    ) -> tuple[list[Finding], dict[str, Any], dict[str, Any], bool]:
        """Value by value, to name each that cannot be read; True: one the record cannot spare."""
        findings: list[Finding] = []
        vital = False
        found: list[dict[str, Any]] = []
        for getters, model in (
            (self._own, self._model),
            (self._parts, _PARTS.get(self.kind, self._model)),
        ):
            values: dict[str, Any] = {}
            for name, get, one in getters:
                try:
                    values[name] = get(record.fields, record.links, context.timezone)
                except UnreadableError as error:
                    findings.append(_finding(record, ref, one, error))
                    values[name] = absent_of(model, one.field)
                    vital = vital or one.field.vital
            found.append(values)
        return findings, found[0], found[1], vital

    def _add_parts(self, values: dict[str, Any], parts: dict[str, Any], ref: Ref, id: str) -> None:
        if self.kind == "account":
            values["plan"] = AccountPlan(**parts)
        else:
            values["handoff"] = Handoff(ref=ref, opportunity=id, **parts)

    def _meters(
        self, record: Record, ref: Ref, context: ReadContext, out: list[Canonical]
    ) -> dict[str, tuple[Decimal | None, Decimal | None]]:
        meters: dict[str, tuple[Decimal | None, Decimal | None]] = {}
        for meter in self._section.meters:
            pair: list[Decimal | None] = []
            for name in (meter.used, meter.limit):
                raw = None if name is None else record.fields.get(name)
                try:
                    pair.append(
                        None if raw is None or raw == "" else read_number(raw, context.timezone)
                    )
                except UnreadableError as error:
                    pair.append(None)
                    out.append(_unreadable(ref, name or "", raw, "usage.meters", str(error)))
            meters[meter.name] = (pair[0], pair[1])
        return meters

    def _account(self, values: dict[str, Any], ref: Ref, context: ReadContext) -> Finding | None:
        factor = context.factor(values.get("currency"))
        finding = None
        for name in ("arr", "expansion_potential"):
            amount = values.get(name)
            if amount is None:
                continue
            if factor is None:
                finding = finding or self._unknown_currency(values, ref)
                values[name] = None
            else:
                values[name] = amount * factor
        return finding

    def _opportunity(
        self, values: dict[str, Any], ref: Ref, context: ReadContext
    ) -> Finding | None:
        factor = context.factor(values.get("currency"))
        if factor is None:
            return self._unknown_currency(values, ref)
        amount = values.get("amount")
        if amount is not None:
            amount = amount * factor
            values["amount"] = amount
        values["arr"] = yearly(
            amount,
            values.get("term_months"),
            annual=self._section.annual,
            default_months=context.default_term_months,
        )
        return None

    def _contract(self, values: dict[str, Any], ref: Ref, context: ReadContext) -> Finding | None:
        factor = context.factor(values.get("currency"))
        if factor is None:
            return self._unknown_currency(values, ref)
        value, arr = values.get("value"), values.get("arr")
        if value is not None:
            value = value * factor
            values["value"] = value
        if arr is not None:
            values["arr"] = arr * factor if arr > 0 else None
        else:
            values["arr"] = yearly(
                value,
                values.get("term_months"),
                annual=self._section.annual,
                start=values.get("start_date"),
                end=values.get("end_date"),
            )
        return None

    def _unknown_currency(self, values: Mapping[str, Any], ref: Ref) -> Finding:
        code = values["currency"]
        fields = self._section.inputs["currency"].fields
        return Finding(
            ref,
            "unknown_currency",
            f"{', '.join(fields)} is {code}, and nobody says what a {code} is worth",
            field=fields[0] if fields else "",
            remedy=f"add {code} to [currency.rates] in the config, or to the CRM's currencies",
        )


def _getters(
    inputs: Mapping[str, Input], model: type[Any], *, fraction: bool, short_ids: bool = False
) -> tuple[tuple[str, Getter, Input], ...]:
    found = []
    for name, one in inputs.items():
        get = getter_of(one, absent_of(model, one.field), fraction=fraction)
        if short_ids and one.field.shape is LINK:
            get = _with_check_letters(get)
        found.append((name, get, one))
    return tuple(found)


def _with_check_letters(get: Getter) -> Getter:
    def got(fields: Mapping[str, Any], links: Links, zone: tzinfo) -> Any:
        found = get(fields, links, zone)
        return full_id(found) if isinstance(found, str) else found

    return got


def _finding(record: Record, ref: Ref, one: Input, error: UnreadableError) -> Finding:
    filled = (name for name in one.fields if record.fields.get(name) not in (None, ""))
    field = next(filled, one.fields[0] if one.fields else "")
    raw = record.fields.get(field)
    if isinstance(error, UnknownWordError):
        return Finding(
            ref,
            "unknown_word",
            f"{field} says {_shown(raw)}, which the mapping does not translate for {one.name}",
            field=field,
            remedy=f"add it to the values of {one.name} in the mapping, or give it a default",
        )
    return _unreadable(ref, field, raw, one.name, str(error))


def _unreadable(ref: Ref, field: str, raw: Any, name: str, expected: str) -> Finding:
    return Finding(
        ref,
        "unreadable_value",
        f"{field} says {_shown(raw)}; {name} needs {expected}",
        field=field,
        remedy="correct the value in the CRM, or map another field",
    )


def _shown(raw: Any) -> str:
    text = str(raw)
    cut = text if len(text) <= _SHOWN_CHARACTERS else f"{text[: _SHOWN_CHARACTERS - 1]}…"
    return f'"{cut}"'
