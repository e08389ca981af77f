"""The vendor's own people: account managers, sellers, success managers and who leads them.

Who looks after a customer depends on the customer's place in the book alone, so that a bigger book
of the same seed gives the same customers the same people.
"""

from __future__ import annotations

from connectors.sandbox.book import Person
from connectors.sandbox.making.draws import mail_part, person_name, stream

VENDOR_DOMAIN = "northlight.example"

CORE = 60  # customers that the first four account managers share
OVERLOADED = range(150, 250)  # one account manager carries all of these
PER_AM = 17
PER_AE = 30
PER_CSM = 60
PER_LEAD = 6
NAMESAKES_AVOIDED = 4  # draws

INACTIVE_AM = "am05"
LEADERLESS_AM = "am06"
INACTIVE_AE = "ae04"
LEADERLESS_AE = "ae05"
INACTIVE_CSM = "csm03"
ADMIN = "ops01"

FIXED: tuple[tuple[str, str | None, bool], ...] = (  # key, manager, active
    ("vp01", None, True),
    ("vp02", None, True),
    (ADMIN, "vp01", True),
    ("amm01", "vp01", True),
    ("aem01", "vp02", True),
    ("am01", "amm01", True),
    ("am02", "amm01", True),
    ("am03", "amm01", True),
    ("am04", "amm01", True),
    (INACTIVE_AM, "amm01", False),
    (LEADERLESS_AM, None, True),
    ("ae01", "aem01", True),
    ("ae02", "aem01", True),
    ("ae03", "aem01", True),
    (INACTIVE_AE, "aem01", False),
    (LEADERLESS_AE, None, True),
    ("csm01", "amm01", True),
    ("csm02", "amm01", True),
    (INACTIVE_CSM, "amm01", False),
)


def am_number(index: int) -> int:
    """The number of the account manager of the customer at `index`."""
    if index < CORE:
        return 1 + index % 4
    if index < OVERLOADED.start:
        return 7 + (index - CORE) // PER_AM
    first_after = 7 + (OVERLOADED.start - CORE - 1) // PER_AM + 1
    if index < OVERLOADED.stop:
        return first_after
    return first_after + 1 + (index - OVERLOADED.stop) // PER_AM


def ae_number(index: int) -> int:
    """The number of the account executive who sells to the customer at `index`."""
    return 1 + index % 3 if index < CORE else 6 + (index - CORE) // PER_AE


def csm_number(index: int) -> int:
    """The number of the customer success manager of the customer at `index`."""
    return 1 + index % 2 if index < CORE else 4 + (index - CORE) // PER_CSM


def key_of(role: str, number: int) -> str:
    """A person's key, as `am07`."""
    return f"{role}{number:02d}"


def lead_number(number: int) -> int:
    """Who leads the `number`-th person of a role: one lead for every six."""
    return 1 + (number - 1) // PER_LEAD


def make_people(seed: int, customers: int) -> tuple[Person, ...]:
    """Everyone who has to do with the first `customers` customers, leads before those they lead."""
    rows: list[tuple[str, str | None, bool]] = list(FIXED)
    seen = {key for key, _, _ in FIXED}
    for index in range(CORE, customers):
        for role, lead, number in (
            ("am", "amm", am_number(index)),
            ("ae", "aem", ae_number(index)),
            ("csm", "amm", csm_number(index)),
        ):
            lead_key = key_of(lead, lead_number(number))
            head = "vp01" if lead == "amm" else "vp02"
            for key, above in ((lead_key, head), (key_of(role, number), lead_key)):
                if key not in seen:
                    seen.add(key)
                    rows.append((key, above, True))
    taken: set[str] = set()
    people = []
    for key, manager, active in rows:
        # Two of one name in a small team confuse whoever looks on; a large one has some.
        for draw in range(NAMESAKES_AVOIDED):
            first, last_name = person_name(stream(seed, "staff", f"{key}+" * draw + key))
            local = f"{mail_part(first)}.{mail_part(last_name)}"
            if local not in taken:
                break
        local = f"{local}.{key}" if local in taken else local
        taken.add(local)
        people.append(
            Person(key, f"{first} {last_name}", f"{local}@{VENDOR_DOMAIN}", active, manager)
        )
    return tuple(people)
