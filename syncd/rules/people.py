"""Who plays which part at the customer, from contacts and from roles on deals or accounts."""

from __future__ import annotations

from syncd.model import AccountRecords, Contact


def contacts_with(records: AccountRecords, role: str) -> list[Contact]:
    """The account's contacts with that role, active or not, in the order of the records."""
    named = {row.contact for row in records.roles if row.role == role}
    return [c for c in records.contacts if role in c.roles or c.id in named]
