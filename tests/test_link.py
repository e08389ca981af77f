"""Which records are one customer, and what is then true of it: pure, on a few records."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.link import Known, LinkRules, Part, disagreements, match, people, unite
from syncd.model import (
    Account,
    AccountRecords,
    Activity,
    Contact,
    Contract,
    Opportunity,
    Ref,
    Role,
    Ticket,
    Usage,
    User,
)

SF = "001000000000001AAA"
RULES = LinkRules(connections=("sf", "hs"))
THREE = LinkRules(connections=("sf", "hs", "erp"))


def groups(rules: LinkRules, *records: Known) -> set[tuple[tuple[str, str], ...]]:
    """Who belongs together."""
    return {group.members for group in match(rules, records).groups}


def doubts(rules: LinkRules, *records: Known) -> list[str]:
    """What was not linked though something spoke for it."""
    return [doubt.kind for doubt in match(rules, records).doubts]


# --- who is the same ------------------------------------------------------------------------------


def test_the_same_domain_links() -> None:
    """One account in each CRM with the domain: the same customer."""
    found = match(RULES, [Known("sf", "a", "acme.example"), Known("hs", "1", "acme.example")])

    assert [(g.members, g.by, g.why) for g in found.groups] == [
        ((("sf", "a"), ("hs", "1")), "domain", "they have the domain acme.example")
    ]


def test_nothing_else_links() -> None:
    """No domain, another domain, an unlinked connection: nobody is linked, and nobody in doubt."""
    records = (
        Known("sf", "a"),
        Known("hs", "1"),
        Known("sf", "b", "b.example"),
        Known("hs", "2", "c.example"),
        Known("else", "9", "b.example"),
    )

    assert groups(RULES, *records) == set()
    assert doubts(RULES, *records) == []


def test_a_domain_that_two_accounts_of_a_crm_have_links_nobody() -> None:
    """It could be either of them: that is told."""
    records = [Known("sf", id, "acme.example") for id in "ab"] + [Known("hs", "1", "acme.example")]

    assert groups(RULES, *records) == set()
    assert doubts(RULES, *records) == ["ambiguous_domain"]


def test_a_pair_in_the_list_ends_the_doubt() -> None:
    """Two accounts of one CRM have the domain, and the list says which of them it is."""
    records = (
        Known("sf", "a", "acme.example"),
        Known("hs", "1", "acme.example"),
        Known("hs", "2", "acme.example"),
    )
    decided = LinkRules(connections=("sf", "hs"), pairs=((("sf", "a"), ("hs", "1")),))
    another = Known("sf", "b", "acme.example")

    assert doubts(RULES, *records) == ["ambiguous_domain"]
    assert groups(decided, *records) == {(("sf", "a"), ("hs", "1"))}
    assert doubts(decided, *records) == []
    assert doubts(decided, *records, another) == ["ambiguous_domain"]


def test_a_shared_domain_says_nothing() -> None:
    """A reseller's domain that the admin names is no sign of anything."""
    rules = LinkRules(connections=("sf", "hs"), shared_domains=frozenset({"reseller.example"}))
    records = (Known("sf", "a", "reseller.example"), Known("hs", "1", "reseller.example"))

    assert groups(rules, *records) == set()


@pytest.mark.parametrize("named", [SF, SF[:15]])
def test_an_id_links_in_its_long_and_its_short_form(named: str) -> None:
    """HubSpot holds Salesforce's id, with or without its check letters; the domain differs."""
    records = (Known("sf", SF, "a.example"), Known("hs", "1", "b.example", (named,)))

    assert groups(RULES, *records) == {(("sf", SF), ("hs", "1"))}


def test_an_id_is_stronger_than_a_domain() -> None:
    """The account with the id wins; the one with the domain stays alone."""
    records = (
        Known("sf", "a", "acme.example"),
        Known("hs", "1", "acme.example"),
        Known("hs", "2", None, ("a",)),
    )

    assert groups(RULES, *records) == {(("sf", "a"), ("hs", "2"))}


def test_two_that_name_one_are_ambiguous() -> None:
    """Neither gets it, not by domain either."""
    records = (
        Known("sf", "a", "acme.example"),
        Known("hs", "1", "acme.example", ("a",)),
        Known("hs", "2", None, ("a",)),
    )

    assert groups(RULES, *records) == set()
    assert doubts(RULES, *records) == ["ambiguous_id"]


def test_an_id_that_nobody_has_is_told_and_the_domain_decides() -> None:
    """The other CRM's account was deleted or mistyped."""
    records = (Known("sf", "a", "acme.example"), Known("hs", "1", "acme.example", ("gone",)))

    assert groups(RULES, *records) == {(("sf", "a"), ("hs", "1"))}
    assert doubts(RULES, *records) == ["unknown_id"]


def test_the_list_wins_over_everything() -> None:
    """A pair that a person wrote down stands against an id and a domain."""
    rules = LinkRules(connections=("sf", "hs"), pairs=((("sf", "a"), ("hs", "3")),))
    records = (
        Known("sf", "a", "acme.example"),
        Known("hs", "1", "acme.example", ("a",)),
        Known("hs", "3"),
    )

    assert groups(rules, *records) == {(("sf", "a"), ("hs", "3"))}
    assert doubts(rules, Known("sf", "a")) == ["unknown_pair"]


def test_never_breaks_a_link_and_leaves_another_possible() -> None:
    """What is kept apart is no candidate, so that the remaining one is clear."""
    rules = LinkRules(connections=("sf", "hs"), never=((("sf", "a"), ("hs", "1")),))
    records = [Known("sf", "a", "acme.example"), Known("hs", "1", "acme.example")]

    assert groups(rules, *records) == set()
    assert groups(rules, *records, Known("sf", "b", "acme.example")) == {(("sf", "b"), ("hs", "1"))}


def test_three_crms_become_one() -> None:
    """By an id to one and by the domain to the other."""
    records = (
        Known("sf", "a", "acme.example"),
        Known("hs", "1", "acme.example"),
        Known("erp", "x", None, ("a",)),
    )

    assert groups(THREE, *records) == {(("sf", "a"), ("hs", "1"), ("erp", "x"))}


PLACES = [(connection, id) for connection in ("sf", "hs", "erp") for id in ("a", "b", "c")]
DOMAINS = st.sampled_from([None, None, "one.example", "two.example", "three.example"])
LINKS = st.lists(st.sampled_from(["a", "b", "c", "zz"]), max_size=1)


@given(
    domains=st.lists(DOMAINS, min_size=9, max_size=9),
    links=st.lists(LINKS, min_size=9, max_size=9),
    never=st.lists(st.lists(st.sampled_from(PLACES), min_size=2, max_size=2), max_size=3),
    pairs=st.lists(st.lists(st.sampled_from(PLACES), min_size=2, max_size=2), max_size=2),
    order=st.permutations(range(9)),
)
def test_groups_are_sound(
    domains: list[str | None],
    links: list[list[str]],
    never: list[list[tuple[str, str]]],
    pairs: list[list[tuple[str, str]]],
    order: list[int],
) -> None:
    """One record of each CRM at most, each record once, never what is kept apart; in any order."""
    rules = LinkRules(
        connections=("sf", "hs", "erp"),
        never=tuple(tuple(pair) for pair in never),
        pairs=tuple(tuple(pair) for pair in pairs),
    )
    records = [
        Known(*place, domain, tuple(ids))
        for place, domain, ids in zip(PLACES, domains, links, strict=True)
    ]
    found = match(rules, records)
    members = [place for group in found.groups for place in group.members]

    assert found == match(rules, [records[at] for at in order])
    assert len(members) == len(set(members))
    for group in found.groups:
        connections = [connection for connection, _ in group.members]
        assert len(connections) == len(set(connections)) >= 2
        for one, other in never:
            assert one == other or not {one, other} <= set(group.members)


# --- one account of two ---------------------------------------------------------------------------


def ref(connection: str, id: str) -> Ref:
    return Ref(connection, "Thing", id)


def part(connection: str, id: str, account: dict[str, Any] | None = None, **records: Any) -> Part:
    """What a CRM has; the fields that are given are those that it maps."""
    given_fields = account or {}
    fields = frozenset(f"account.{name}" for name in given_fields)
    return Part(
        connection,
        AccountRecords(
            account=Account(ref=ref(connection, id), id=id, **given_fields),
            fields=fields,
            **records,
        ),
    )


def contract(connection: str, id: str, arr: int, status: str = "active") -> Contract:
    return Contract(ref=ref(connection, id), id=id, status=status, arr=Decimal(arr))


def united(
    *parts: Part, rules: LinkRules = RULES, users: dict[str, dict[str, User]] | None = None
) -> AccountRecords:
    return unite(rules, parts, people("sf", users or {}))


def test_the_stronger_crm_that_has_a_value_wins_field_by_field() -> None:
    """An empty or unmapped field is no answer; precedence may be other for one field."""
    sf = part("sf", "a", {"name": "Acme", "nps": None, "segment": "smb"})
    hs = part("hs", "1", {"name": "ACME", "nps": Decimal(9), "segment": "enterprise"})
    rules = LinkRules(connections=("sf", "hs"), precedence={"segment": ("hs",)})
    account = united(sf, hs, rules=rules).account

    assert (account.id, account.name) == ("a", "Acme")
    assert (account.nps, account.segment) == (Decimal(9), "enterprise")


def test_an_unmapped_status_is_no_word_on_it() -> None:
    """A CRM that does not say whether it is a customer does not speak against one that does."""
    account = united(part("sf", "a"), part("hs", "1", {"status": "churned"})).account

    assert account.status == "churned"


def test_contracts_come_whole_from_one_crm() -> None:
    """The strongest that has an active one, so that no ARR counts twice."""
    draft = part("sf", "a", contracts=(contract("sf", "d", 5, "draft"),))
    sf = part("sf", "a", contracts=(contract("sf", "c", 10),))
    hs = part("hs", "1", contracts=(contract("hs", "c", 20), contract("hs", "e", 30)))

    assert [c.arr for c in united(sf, hs).contracts] == [Decimal(10)]
    assert [c.arr for c in united(draft, hs).contracts] == [Decimal(20), Decimal(30)]
    assert [c.arr for c in united(part("sf", "a"), hs).contracts] == [Decimal(20), Decimal(30)]


def test_tickets_of_all_count_unless_one_crm_is_named() -> None:
    """Support may work in one CRM and copy to the other: then an admin names it."""
    sf = part("sf", "a", tickets=(Ticket(ref=ref("sf", "t"), id="t"),))
    hs = part("hs", "1", tickets=(Ticket(ref=ref("hs", "u"), id="u"),))
    rules = LinkRules(connections=("sf", "hs"), precedence={"ticket": ("hs",)})

    assert [t.id for t in united(sf, hs).tickets] == ["t", "u"]
    assert [t.id for t in united(sf, hs, rules=rules).tickets] == ["u"]
    assert [t.id for t in united(sf, part("hs", "1"), rules=rules).tickets] == ["t"]


def test_a_week_of_usage_counts_once() -> None:
    """The stronger CRM's week; the other's only where it has more weeks."""
    one, two = date(2026, 6, 1), date(2026, 6, 8)
    sf = part("sf", "a", usage=(Usage(ref=ref("sf", "x"), period_start=one, logins=1),))
    hs = part(
        "hs",
        "1",
        usage=tuple(Usage(ref=ref("hs", "y"), period_start=day, logins=9) for day in (one, two)),
    )

    assert [(u.period_start, u.logins) for u in united(sf, hs).usage] == [(one, 1), (two, 9)]


def test_a_person_in_both_crms_is_one_contact() -> None:
    """Else a customer who hangs on one person would look well connected."""
    noor = Contact(ref=ref("sf", "7"), id="7", name="Noor Haddad", roles=("champion",))
    same = Contact(
        ref=ref("hs", "7"),
        id="7",
        name="noor  haddad",
        roles=("end_user",),
        last_activity_on=date(2026, 6, 1),
    )
    other = Contact(ref=ref("hs", "8"), id="8", name="Kim")
    touch = Activity(ref=ref("hs", "m"), id="m", contact="7", kind="meeting")
    role = Role(ref=ref("hs", "r"), contact="8", opportunity="d", role="champion")
    found = united(
        part("sf", "a", contacts=(noor,)),
        part("hs", "1", contacts=(same, other), activities=(touch,), roles=(role,)),
    )

    assert [(c.id, c.roles) for c in found.contacts] == [
        ("7", ("champion", "end_user")),
        ("hs:8", ()),
    ]
    assert found.contacts[0].last_activity_on == date(2026, 6, 1)
    assert found.activities[0].contact == "7"
    assert (found.roles[0].contact, found.roles[0].account) == ("hs:8", "a")


def test_owners_are_named_as_the_task_crm_names_them() -> None:
    """The same person by mail; one who is not there can be named but gets no task."""
    users = {
        "sf": {"u1": User(ref("sf", "u1"), "u1", "Ann", "Ann@us.example", manager=None)},
        "hs": {
            "7": User(ref("hs", "7"), "7", "Ann", "ann@us.example", manager="9"),
            "8": User(ref("hs", "8"), "8", "Ben", "ben@us.example", manager="7"),
            "9": User(ref("hs", "9"), "9", "Cis", "cis@us.example"),
        },
    }
    hs = part("hs", "1", {"owner": "8", "csm": "7"})
    deal = Opportunity(ref=ref("hs", "d"), id="d", owner="7")
    hs = Part("hs", _with(hs.records, opportunities=(deal,)))
    found = united(part("sf", "a"), hs, users=users)

    assert (found.account.owner, found.account.csm) == ("hs:8", "u1")
    assert found.opportunities[0].owner == "u1"
    assert (found.users["hs:8"].active, found.users["hs:8"].manager) == (False, "u1")
    assert found.users["u1"].manager == "hs:9"


def _with(records: AccountRecords, **more: Any) -> AccountRecords:
    return AccountRecords(
        **{name: getattr(records, name) for name in records.__struct_fields__} | more
    )


def test_differences_are_told_with_whose_word_counts() -> None:
    """Words that differ, and contracts that do not add up; not what differs in case alone."""
    sf = part(
        "sf", "a", {"name": "Acme", "segment": "SMB"}, contracts=(contract("sf", "c", 10_000),)
    )
    hs = part(
        "hs", "1", {"name": "ACME", "segment": "mid"}, contracts=(contract("hs", "c", 12_000),)
    )
    found = disagreements(RULES, [sf, hs], people("sf", {}))

    assert [(d.field, d.values, d.used) for d in found] == [
        ("segment", (("sf", "SMB"), ("hs", "mid")), "sf"),
        ("contracts", (("sf", "1 active, ARR 10,000.00"), ("hs", "1 active, ARR 12,000.00")), "sf"),
    ]
