"""What the read book says about a mapping and a policy: words, fields, tiers that lead nowhere.

Reads the state alone. None of it is an error: a word may occur tomorrow, a field be filled.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection

from syncd.connector import CheckNote, Record, Source
from syncd.errors import Problem
from syncd.located import LocatedToml, did_you_mean
from syncd.mapping import Input, SectionRules
from syncd.playbooks import shipped
from syncd.policy import Policy
from syncd.rules import RULES
from syncd.store import Store
from syncd.sync import Connected

WORDS_KEPT = 500
"""Distinct words that are counted of a field; a field with more is no list of choices."""


def lint_mapping(store: Store, connected: Connected) -> Iterator[CheckNote]:
    """Objects without records, fields that are always empty, words that never occurred."""
    mapping = connected.mapping
    with store.begin(write=False) as tx:
        for section in mapping.document.sections:
            source = _source_of(section, connected)
            if source is None or section.kind == "user":
                continue
            if not store.cursors.was_read(tx, connected.name, source.name):
                continue
            yield from _section(store, tx, connected, section, source)


def _source_of(section: SectionRules, connected: Connected) -> Source | None:
    return next(
        (
            source
            for source in connected.mapping.sources
            if source.object.lower() == section.object.lower() and source.where == section.where
        ),
        None,
    )


def _section(
    store: Store, tx: Connection, connected: Connected, section: SectionRules, source: Source
) -> Iterator[CheckNote]:
    inputs = list(section.all_inputs())
    filled: Counter[str] = Counter()
    words: dict[str, Counter[str]] = {one.name: Counter() for one in inputs if one.values}
    count = 0
    for record in store.mirror.of_source(tx, connected.name, source.name):
        if record.gone:
            continue
        count += 1
        for one in inputs:
            said = _said(one, record)
            filled[one.name] += bool(said)
            if one.name in words and len(words[one.name]) < WORDS_KEPT:
                words[one.name].update(said)
    if not count:
        where = ", its where" if section.where else ""
        yield CheckNote(
            "warning",
            f"no record of {section.object} was read for [{section.kind}]",
            f"check its object{where}, and whether the login may see such records",
            section.object,
        )
        return
    for one in inputs:
        if not one.fields:
            continue
        place = f"{section.object}.{' and '.join(one.fields)}"
        if not filled[one.name]:
            off = sorted(rule.name for rule in RULES if one.name in rule.inputs)
            cost = f"; it would be used by: {', '.join(off)}" if off else ""
            yield CheckNote(
                "warning",
                f"{place} is empty in all {count:,} records, so {one.name} is never known{cost}",
                "fill it in the CRM, map another field, or take the line out",
                section.object,
                one.fields[0],
            )
        elif one.values:
            yield from _words(one, place, section.object, words[one.name], count)


def _said(one: Input, record: Record) -> list[str]:
    """The words that a record has in the input's fields; of several fields, the first filled."""
    for name in one.fields:
        raw = record.fields.get(name)
        if raw is None or raw in ("", []):
            continue
        if isinstance(raw, bool):
            return [str(raw).lower()]
        if isinstance(raw, (list, tuple)):
            return [str(item) for item in raw]
        return str(raw).split(";") if one.codec == "list" else [str(raw)]
    if one.association is not None and record.links.get(one.association.key):
        return ["linked"]
    return []


def _words(
    one: Input, place: str, object: str, seen: Counter[str], count: int
) -> Iterator[CheckNote]:
    """Words of `values` that no record has; most telling where one is nearly spelt so."""
    occurred = {word.strip().casefold() for word in seen}
    mapped = {word.strip().casefold() for word in one.values}
    strange = [word for word in seen if word.strip().casefold() not in mapped]
    never = [word for word in one.values if word.strip().casefold() not in occurred]
    for word in never:
        near = did_you_mean(word, strange)
        if near:
            yield CheckNote(
                "warning",
                f"{place} = '{word}' never matched in {count:,} records; {near}",
                f"correct the word in the values of {one.name}",
                object,
                one.fields[0],
            )
    if len(never) == len(one.values):
        most = ", ".join(f"'{word}' ({times:,})" for word, times in seen.most_common(5))
        yield CheckNote(
            "warning",
            f"{place}: none of the words in the values of {one.name} ever occurred",
            f"it says: {most}",
            object,
            one.fields[0],
        )


def lint_policy(
    store: Store, connections: Sequence[str], policy: Policy, located: LocatedToml
) -> Iterator[Problem]:
    """Playbooks of the admin's own that never opened a task, tiers that nobody reaches."""
    with store.begin(write=False) as tx:
        rows = store.book.rows(tx, connections)
        opened = store.tasks.playbooks(tx)
    if not rows:
        return
    known = shipped()
    for number, playbook in enumerate(policy.playbooks):
        if playbook.enabled and playbook.when is not None and playbook.id not in opened:
            ours = "" if playbook.id in known else " of your own"
            text = (
                f'playbook "{playbook.id}"{ours} has never matched any of {len(rows):,} customers'
            )
            hint = f"its condition is: {playbook.when}"
            yield located.problem(("policy", "playbooks", number, "when"), text, hint, "warning")
    reached = Counter(row.tier for row in rows.values() if row.tier)
    if not reached:
        return
    most = max((row.arr for row in rows.values() if row.arr is not None), default=None)
    for number, name in enumerate(policy.tier.names):
        if reached[name]:
            continue
        loc = ("policy", "tier", "thresholds", number)
        text = f'no customer of {len(rows):,} is in tier "{name}"'
        hint = "" if most is None else f"the largest ARR is {most:,.0f}"
        if policy.tier.method == "thresholds" and number < len(policy.tier.thresholds):
            text += f", which begins at {policy.tier.thresholds[number]:,.0f}"
        yield located.problem(loc, text, hint, "warning")
