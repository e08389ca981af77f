"""Runs the peers and prints what each did: `make peers`, or with names only those.

Each peer gets a sandbox of its own. It reads every object of the book; some records are then
changed behind its back, and it reads what is new; a client that writes then writes. Salesforce's
own library for source projects judges what `provision --sfdx` writes.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import requests
import source_project
from airbyte_sources import AirbyteHubSpot, AirbyteSalesforce
from crm import HubSpotCrm, SalesforceCrm
from cumulus import CumulusCI
from peer import Peer, Reading
from proxy import Proxy, by_pattern
from room import PeerError, Room
from scripted import DltHubSpot, DltSalesforce, HubSpotNode, Jsforce
from singer_taps import TapHubSpot, TapSalesforce

HERE = Path(__file__).parent
ROOMS = HERE.parents[1] / ".peers"
PEERS: tuple[type[Peer], ...] = (
    Jsforce,
    AirbyteSalesforce,
    TapSalesforce,
    CumulusCI,
    DltSalesforce,
    HubSpotNode,
    AirbyteHubSpot,
    TapHubSpot,
    DltHubSpot,
)
HEADS = ("peer", "version", "CRM", "objects", "records", "new since", "writes", "s", "result")
LEAST = 3
"""How many must have passed for each CRM, whatever Python leaves out."""


@dataclass(slots=True)
class Outcome:
    """A line of the table, and the reason of a failure."""

    cells: list[str]
    passed: bool | None
    why: str = ""


def main() -> int:
    """0 where all passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = [*(one.name for one in PEERS), source_project.NAME]
    parser.add_argument("names", nargs="*", metavar="PEER", help=", ".join(names))
    asked = parser.parse_args().names
    unknown = set(asked) - set(names)
    if unknown:
        parser.error(f"no such peer: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    outcomes: dict[type[Peer], Outcome] = {}
    for one in PEERS:
        if not asked or one.name in asked:
            print(f"{one.package} … ", end="", file=sys.stderr, flush=True)
            outcomes[one] = attempt(one)
            print(outcomes[one].cells[-1], file=sys.stderr, flush=True)
    fit = judge_source() if not asked or source_project.NAME in asked else True
    if outcomes:
        show([outcome.cells for outcome in outcomes.values()])
    for one, outcome in outcomes.items():
        if outcome.why:
            print(f"\n{one.package}: {outcome.why}")
    fit &= all(outcome.passed is not False for outcome in outcomes.values())
    for crm in () if asked else (SalesforceCrm, HubSpotCrm):
        passed = sum(bool(o.passed) for one, o in outcomes.items() if one.kind is crm)
        if passed < LEAST:
            print(f"\nonly {passed} clients of {crm.kind} passed; {LEAST} must")
            fit = False
    return 0 if fit else 1


def judge_source() -> bool:
    """Whether Salesforce's own library takes the source files that syncd writes; tells of it."""
    room = Room(ROOMS / source_project.NAME, HERE / source_project.NAME)
    print(f"{source_project.PACKAGE} … ", end="", file=sys.stderr, flush=True)
    try:
        room.install()
        took = source_project.judge(room)
    except PeerError as error:
        print("FAILED", file=sys.stderr)
        print(f"provision --sfdx: {source_project.PACKAGE} objects: {error}\n")
        return False
    print("passed", file=sys.stderr)
    print(f"provision --sfdx: {source_project.PACKAGE} takes {took}\n")
    return True


def attempt(one: type[Peer]) -> Outcome:
    """Install and run one peer."""
    source = HERE / one.folder()
    cells = [one.package, one.version(source), one.kind.kind]
    if sys.version_info[:2] >= one.before:
        limit = f"not for Python {sys.version_info.major}.{sys.version_info.minor}"
        return Outcome([*cells, "", "", "", "", "", limit], None)
    room = Room(ROOMS / one.folder(), source)
    began = time.monotonic()
    try:
        room.install()
        began = time.monotonic()
        did = meet(one, room)
    except (PeerError, requests.RequestException) as error:
        taken = f"{time.monotonic() - began:.0f}"
        return Outcome([*cells, "", "", "", "", taken, "FAILED"], passed=False, why=str(error))
    return Outcome([*cells, *did, f"{time.monotonic() - began:.0f}", "passed"], passed=True)


def meet(one: type[Peer], room: Room) -> list[str]:
    """Let the peer read, read again and write. Raises PeerError."""
    desk = room.folder / "desk"
    shutil.rmtree(desk, ignore_errors=True)
    with one.kind(desk) as crm, Proxy(by_pattern(dict.fromkeys(crm.hosts, crm.port))) as proxy:
        room.trust(crm.ca_file)
        peer = one(room, desk, crm, proxy.url)
        read = peer.read_all()
        compare_all(peer, read)
        moment = datetime.now(UTC)
        touched = crm.touch()
        again = peer.read_since(moment.replace(microsecond=0))
        compare_new(peer, touched, again, read)
        wrote = peer.write()
        if not proxy.used:
            raise PeerError("it did not come through the proxy")
    book = {name: ids for name, ids in read.items() if name in crm.edits}
    return [
        str(len(book)),
        str(sum(len(ids) for ids in book.values())),
        str(sum(len(ids) for name, ids in again.items() if name in crm.edits)),
        ", ".join(f"{count} {what}" for what, count in wrote.items()) or "none",
    ]


def compare_all(peer: Peer, read: Reading) -> None:
    """Every record of every object once, and none that is not there. Raises PeerError."""
    for name, ids in peer.crm.ids().items():
        if name in peer.lacks:
            continue
        got = read.get(name, [])
        if len(got) != len(ids) or (not peer.counts_only and set(got) != ids):
            missing = len(ids) if peer.counts_only else len(ids - set(got))
            raise PeerError(
                f"{name}: {len(ids)} records are there; it read {len(got)}, {missing} not at all"
            )


def compare_new(peer: Peer, touched: dict[str, set[str]], again: Reading, read: Reading) -> None:
    """What was changed came, and not everything over again. Raises PeerError."""
    for name, ids in touched.items():
        if name in peer.lacks:
            continue
        got = again.get(name, [])
        if (len(got) < len(ids)) if peer.counts_only else not ids <= set(got):
            raise PeerError(f"{name}: {len(ids)} records were changed; it read {len(got)} others")
        if name not in peer.whole and len(ids) < len(read[name]) / 2 <= len(got):
            raise PeerError(f"{name}: it read {len(got)} of {len(read[name])} again")


def show(rows: list[list[str]]) -> None:
    """A table in plain text."""
    table = [list(HEADS), *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(HEADS))]
    for row in table:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        )


if __name__ == "__main__":
    sys.exit(main())
