"""What `syncd check` says about a HubSpot connection beyond its fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.hubspot.door import Door
from connectors.hubspot.paths import DATED, ENDS, OAUTH_END, Paths
from connectors.hubspot.rates import several
from connectors.hubspot.scopes import CURRENCIES, PROVISIONING, READING, WRITING, remedy
from syncd.connector import Allowance, CheckNote
from syncd.errors import LoginError

_SOON_DAYS = 180
_LOW_SHARE = 0.1  # of the day's calls that syncd may use


def notes(
    door: Door, paths: Paths, portal: Mapping[str, Any], allowance: Allowance
) -> Iterator[CheckNote]:
    """Notes on the portal, the token's scopes and the allowance."""
    if portal.get("portalId"):
        kind = f" ({portal['accountType']})" if portal.get("accountType") else ""
        yield CheckNote("ok", f"logged in to HubSpot portal {portal['portalId']}{kind}")
    else:
        yield CheckNote(
            "warning",
            "HubSpot does not say to which portal this login belongs: nothing guards against "
            "another portal's token",
        )
    facts = token_facts(door, paths)
    yield from _scopes(facts)
    yield from _currencies(facts, several(portal))
    yield from _ends(door, paths)
    yield from _allowance(allowance)


def token_facts(door: Door, paths: Paths) -> Mapping[str, Any]:
    """What HubSpot tells of a private app's token (``hubId``, ``scopes``); empty for others."""
    if door.session.renewable:
        return {}
    try:
        answer = door.comfort("POST", paths.token_scopes(), body={"tokenKey": door.session.token})
    except LoginError:
        return {}  # a service key: its scopes show when they are needed
    return answer or {}


def _scopes(facts: Mapping[str, Any]) -> Iterator[CheckNote]:
    granted = {str(scope) for scope in facts.get("scopes") or ()}
    if not granted:
        yield CheckNote(
            "ok", "HubSpot does not tell this token's scopes; each shows where it is needed"
        )
        return
    for severity, needed, purpose in (
        ("error", READING, "to read"),
        ("error", WRITING, "to write fields and tasks"),
        ("warning", PROVISIONING, "for `syncd provision` (and nothing else)"),
    ):
        missing = [scope for scope in needed if scope not in granted]
        if missing:
            yield CheckNote(
                severity, f"scopes missing {purpose}: {', '.join(missing)}", remedy(missing)
            )
        else:
            yield CheckNote("ok", f"scopes {purpose} are granted")


def _currencies(facts: Mapping[str, Any], others: Sequence[str]) -> Iterator[CheckNote]:
    """Whether the portal's own exchange rates can be read, where it has any."""
    granted = facts.get("scopes")
    if not others or not granted or not set(granted).isdisjoint(CURRENCIES):
        return
    yield CheckNote(
        "warning",
        f"the scope {CURRENCIES[0]} is missing: HubSpot's own exchange rates of "
        f"{', '.join(others)} cannot be read, and [currency.rates] in config.toml counts",
        remedy(CURRENCIES[:1]),
    )


def _ends(door: Door, paths: Paths) -> Iterator[CheckNote]:
    """How long the paths in use are served."""
    if paths.version:
        yield CheckNote("ok", f"speaks HubSpot's API of {paths.version}")
        return
    ends = [*ENDS, *([("OAuth", OAUTH_END)] if door.session.renewable else [])]
    soonest = min(end for _, end in ends)
    near = (soonest - door.server_time().date()).days <= _SOON_DAYS
    told = ", ".join(f"{what} until {end}" for what, end in ends)
    yield CheckNote(
        "warning" if near else "ok",
        f"speaks HubSpot's v3 and v4 API, which HubSpot supports for a time: {told}",
        f'Set api_version = "{DATED}" in this connection; nothing else changes.' if near else "",
    )


def _allowance(allowance: Allowance) -> Iterator[CheckNote]:
    if allowance.limit is None or allowance.left is None:
        yield CheckNote("ok", "HubSpot does not say how many API calls of today are left")
        return
    low = allowance.left <= allowance.limit * allowance.share * _LOW_SHARE
    yield CheckNote(
        "warning" if low else "ok",
        f"{allowance.used or 0:,} of {allowance.limit:,} API calls of today are used (by "
        f"everyone); syncd stops at {allowance.share:.0%}: {allowance.left:,} left",
        "limits.daily_share in config.toml raises syncd's share." if low else "",
    )
