"""What the state's own files hold of people: what is mapped, and nothing once it is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import KINDS, Site, Zygote, site

UNMAPPED = {"Phone": "+44 20 5550 1793", "Description": "privately wary of us"}
PEOPLE = ("Quillfeather", "Zobelmann")
FIRM = "Hushaby Marmalades"


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    """One for all tests of this file."""
    made = Zygote()
    yield made
    made.stop()


@pytest.fixture(params=KINDS)
def crm(request: pytest.FixtureRequest, tmp_path: Path, zygote: Zygote) -> Iterator[Site]:
    """A sandbox with eight customers, one of them renamed, with two people of its own."""
    with site(request.param, tmp_path, zygote, accounts=8) as made:
        made.begin()
        yield made


def stored(crm: Site) -> str:
    """Every byte of the state's files, as text."""
    files = sorted(crm.folder.glob("*.db*"))
    return "".join(path.read_bytes().decode("utf-8", "replace") for path in files)


def person(crm: Site, account: str, name: str) -> str:
    """A contact of that account, made in the CRM with what no mapping names; its id."""
    if crm.kind == "salesforce":
        id: str = crm.sandbox.insert("Contact", LastName=name, AccountId=account, **UNMAPPED)
        return id
    phone, words = UNMAPPED.values()
    made: str = crm.sandbox.insert(
        "contacts", [("companies", account)], lastname=name, mobilephone=phone, address=words
    )
    return made


def gone(crm: Site, contact: str) -> None:
    """A contact is deleted in the CRM."""
    if crm.kind == "salesforce":
        crm.sandbox.delete("Contact", contact)
    else:
        crm.sandbox.archive("contacts", contact)


def test_only_what_is_mapped_stays_until_it_is_forgotten(crm: Site) -> None:
    """Unmapped values never arrive; a deleted contact and forgotten ones leave no byte behind."""
    object = "Account" if crm.kind == "salesforce" else "companies"
    key = "Id" if crm.kind == "salesforce" else "id"
    account = min(row[key] for row in crm.sandbox.rows(object))
    crm.sandbox.edit(object, account, **{"Name" if object == "Account" else "name": FIRM})
    kept, deleted = (person(crm, account, name) for name in PEOPLE)
    first = crm.run("sync")
    whole = stored(crm)
    gone(crm, deleted)
    second = crm.run("sync", "--full")
    without_deleted = stored(crm)
    person_forgotten = crm.run("forget", kept)
    without_person = stored(crm)
    firm_forgotten = crm.run("forget", FIRM)
    without_firm = stored(crm)

    assert {first, second} <= {0, 3}
    assert all(value not in whole for value in UNMAPPED.values())
    assert all(name in whole for name in (*PEOPLE, FIRM))
    assert PEOPLE[1] not in without_deleted
    assert PEOPLE[0] in without_deleted
    assert person_forgotten == 0, crm.said()
    assert PEOPLE[0] not in without_person
    assert FIRM in without_person
    assert firm_forgotten == 0, crm.said()
    assert FIRM not in without_firm
    assert account not in without_firm


def test_a_contact_who_is_gone_already_is_forgotten_by_name(crm: Site) -> None:
    """Deleted in the CRM, their record goes by itself, and on request the texts that name them."""
    object = "Account" if crm.kind == "salesforce" else "companies"
    key = "Id" if crm.kind == "salesforce" else "id"
    account = min(row[key] for row in crm.sandbox.rows(object))
    name = f"Zenobia {PEOPLE[0]}"
    crm.sandbox.edit(object, account, **{"Name" if object == "Account" else "name": f"{name} Ltd"})
    crm.run("sync")
    crm.sandbox.edit(object, account, **{"Name" if object == "Account" else "name": FIRM})
    crm.run("sync", "--full")
    named = stored(crm)
    of_a_customer = crm.run("forget", FIRM[:-2])
    by_name = crm.run("forget", name)
    said = (crm.folder / "out").read_text(encoding="utf-8")
    twice = crm.run("forget", name)
    left = stored(crm)

    assert PEOPLE[0] in named
    assert of_a_customer == twice == 2
    assert by_name == 0, crm.said()
    assert "texts that named them" in said
    assert name not in left
    assert FIRM in left
