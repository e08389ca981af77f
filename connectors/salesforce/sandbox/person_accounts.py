"""Person accounts: customers who are people. An account and its contact in one."""

from __future__ import annotations

from connectors.salesforce.sandbox.org import Org
from connectors.salesforce.sandbox.schema import Field

FIELDS = (
    Field(name="IsPersonAccount", type="boolean", label="Is Person Account", flags="DFSG"),
    Field(
        name="PersonContactId",
        type="reference",
        length=18,
        label="Contact ID",
        flags="NFSG",
        to=("Contact",),
    ),
    Field(name="FirstName", type="string", length=40, label="First Name"),
    Field(name="LastName", type="string", length=80, label="Last Name"),
    Field(name="PersonEmail", type="email", length=80, label="Email"),
)


def switch_on(org: Org) -> None:
    """Give accounts the fields of people; those that exist stay companies."""
    for field in FIELDS:
        org.objects["Account"].add(field)
    for row in org.tables["Account"].rows.values():
        row.setdefault("IsPersonAccount", False)
    org.access.forget()


def create(org: Org, first_name: str, last_name: str, **fields: object) -> str:
    """A person's account with the contact that it is; the account's id. Its name is composed."""
    name = f"{first_name} {last_name}"
    named = {"FirstName": first_name, "LastName": last_name, "Name": name}
    account = org.store("Account", {**fields, **named, "IsPersonAccount": True})
    contact = org.store("Contact", {**named, "AccountId": account})
    org.tables["Account"].rows[account]["PersonContactId"] = contact
    return account
