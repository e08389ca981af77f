"""Two CRMs in memory, linked into one book, for the tests of linking."""

from __future__ import annotations

from datetime import date
from typing import Any

from memory_book import MAPPING, Room, fill_customer, mapping_from, planned

from connectors.memory import Crm, MemoryConnector
from syncd.link import LinkRules
from syncd.mapping import ReadContext
from syncd.sync import EXIT_DONE, Connected, Report, Turn

SOON = date(2026, 9, 30)  # 107 days off: inside the renewal window
LATER = date(2027, 3, 31)
RULES = LinkRules(connections=("sales", "service"))
APART = LinkRules(connections=("sales", "service"), never=((("sales", "S1"), ("service", "T1")),))
LINKED_MAPPING = (
    MAPPING.replace(
        '\nowner = "OwnerId"\nstatus',
        '\ndomain = "Website"\nlink = "Twin"\nsegment = "Segment"\nowner = "OwnerId"\nstatus',
        1,
    )
    .replace(
        "[user.managers]",
        '[ticket]\nobject = "Case"\n[ticket.fields]\naccount = "AccountId"\n'
        'opened_at = "OpenedAt"\npriority = "Priority"\n[user.managers]',
    )
    .replace('arr = "Arr"', 'arr = "Arr"\nhealth_score = "Score"\nhealth_band = "Band"')
)
OURS = ("Arr", "RenewalDate", "RenewalStatus", "Tier", "KeyAccount", "Score", "Band")


class TwoCrms(Room):
    """A sales CRM and a service CRM, linked unless a test says otherwise."""

    def __init__(self, state: str, **policy: Any) -> None:
        super().__init__(state, names=("sales", "service"), **policy)
        self.text = LINKED_MAPPING
        self.link: LinkRules | None = RULES
        for name in self.names:
            crm = MemoryConnector.crms[name]
            columns: dict[str, tuple[str, ...]] = {
                "Account": ("Website", "Twin", "Segment", "Score", "Band"),
                "Case": ("AccountId", "OpenedAt", "Priority"),
            }
            for object, names in columns.items():
                crm.put(object, "first", **dict.fromkeys(names))
                crm.rows[object].clear()
        # The same people under other ids.
        for id in ("u1", "u2"):
            row = self.service.rows["User"].pop(id)
            self.service.put("User", id.replace("u", "v"), **row)

    @property
    def sales(self) -> Crm:
        return MemoryConnector.crms["sales"]

    @property
    def service(self) -> Crm:
        return MemoryConnector.crms["service"]

    def turn(self, **more: Any) -> Turn:
        return super().turn(**{"link": self.link, **more})

    def _connected(self, name: str) -> Connected:
        return Connected(
            name=name,
            connector=self.connector(name),
            mapping=mapping_from(self.text, name),
            context=ReadContext(currency="USD", rates={}),
        )

    def sold(self, id: str, domain: str | None, *, ends: date = SOON, **more: Any) -> None:
        """An account of the sales CRM, with a contract."""
        values = {"Website": domain, "value": 24_000, **more}
        fill_customer(self.sales, id, ends=ends, **values)

    def served(self, id: str, domain: str | None, **more: Any) -> None:
        """An account of the service CRM, without a contract."""
        row = {"Name": f"Served {id}", "OwnerId": "v1", "Type": "Customer", "Kept": "yes"}
        self.service.put("Account", id, **{**row, "Website": domain, **more})

    def shown(self, crm: Crm, id: str) -> dict[str, Any]:
        """What stands in our fields."""
        return {name: crm.rows["Account"][id].get(name) for name in OURS}

    def open_tasks(self, crm: Crm) -> list[str]:
        """Playbooks of the open tasks."""
        rows = crm.rows.get("Task", {}).values()
        return sorted(str(row["Playbook"]) for row in rows if row["Status"] != "completed")

    def settled(self) -> Report:
        """A run, and a second that must find nothing to do."""
        first = self.sync()
        second = self.sync()

        assert first.exit_code == EXIT_DONE, [c.message for c in first.connections]
        assert planned(second) == (0, 0)
        assert second.nothing_to_do
        assert sum(c.derived for c in second.connections) == 0
        return first

    def accounts(self) -> dict[str, tuple[tuple[str, str], ...]]:
        """Each account's records, by key."""
        with self.store.begin(write=False) as tx:
            keys = self.store.book.keys(tx, self.names)
            return {k: a.members for k, a in self.store.book.account(tx, keys).items()}
