"""What ``syncd check`` asks Salesforce beyond fields: login, end dates, allowance, own rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.salesforce import soql
from connectors.salesforce.session import Session
from connectors.salesforce.settings import LEGACY_ENDS, Flow
from syncd.connector import CheckNote
from syncd.errors import AccessError, RequestError

# https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/api_rest_eol.htm
LAST_RETIRED_VERSION = 30
LAST_RETIRING_VERSION = 40
FEW_CALLS = 500
UNSEEN = (
    "this login may not see the org's {} rules; one that refuses a write shows only when it does, "
    "in `syncd rejects`"
)
TO_SEE = (
    "to have the active ones listed here, grant the integration user View Setup and Configuration "
    "(Setup > Permission Sets > System Permissions); a sync does without"
)
LOST = "is not written, but quarantined with the org's own text"
ONLY_WARNS = ", or, if it only warns, set allow_duplicates = true"


def check(session: Session) -> Iterator[CheckNote]:
    """Notes in the order in which an admin would want to mend them."""
    yield from _flow(session)
    version = list(_version(session))
    yield from version
    if any(note.severity == "error" for note in version):
        return
    yield from _login(session)
    yield _allowance(session)
    yield from _rules(session)


def _flow(session: Session) -> Iterator[CheckNote]:
    if session.settings.auth.flow is Flow.PASSWORD:
        yield CheckNote(
            "warning",
            LEGACY_ENDS,
            'set auth.flow to "client_credentials" or "jwt", with an External Client App '
            "(Setup > External Client App Manager)",
        )


def _version(session: Session) -> Iterator[CheckNote]:
    version = session.settings.api_version
    reason = ""
    try:
        known = session.versions()
    except (AccessError, RequestError) as error:
        known, reason = [], f": {error}"
    if not known:
        yield CheckNote(
            "warning",
            f"the org does not tell which API versions it speaks{reason}",
            f'nothing, if the rest of this check is fine; else see whether it has "{version}"',
        )
        return
    number = int(version.partition(".")[0])
    if number <= LAST_RETIRED_VERSION or version not in known:
        newest = max(known, key=float, default="")
        yield CheckNote(
            "error",
            f"this org does not speak API version {version}",
            f'set api_version to "{newest}" or an earlier one that the org has',
        )
    elif number <= LAST_RETIRING_VERSION:
        yield CheckNote(
            "warning",
            f"API version {version} ends with Summer '28 (deprecated from Summer '27)",
            'set api_version to "66.0"',
        )


def _login(session: Session) -> Iterator[CheckNote]:
    org = _first(session, "Organization", ("Name", "IsSandbox"), ())
    user_id = session.user_id()
    user = (
        _first(session, "User", ("Name", "Username"), (f"Id = {soql.text(user_id)}",))
        if user_id
        else {}
    )
    kind = "sandbox org" if org.get("IsSandbox") else "org"
    yield CheckNote(
        "ok",
        f"logged in to the {kind} {org.get('Name', session.settings.instance_url)} as "
        f"{user.get('Username', 'the integration user')} ({session.settings.auth.flow})",
    )


def _rules(session: Session) -> Iterator[CheckNote]:
    """The org's own rules that may refuse a write, where the login may see them."""
    yield from _duplicate_rules(session)
    yield from _validation_rules(session)


def _duplicate_rules(session: Session) -> Iterator[CheckNote]:
    query = soql.select("DuplicateRule", ("MasterLabel", "SobjectType"), ("IsActive = true",))
    rules = _rows(session, "query/", query)
    if rules is None:
        yield CheckNote("ok", UNSEEN.format("duplicate"), TO_SEE)
    only_warns = "" if session.settings.allow_duplicates else ONLY_WARNS
    for rule in rules or ():
        label, object = rule.get("MasterLabel", ""), str(rule.get("SobjectType", ""))
        yield CheckNote(
            "warning",
            f'the duplicate rule "{label}" on {object} is active: where syncd writes a field that '
            f"it compares, it may refuse the record, which {LOST}",
            f"Setup > Duplicate Rules > {label}: add a condition that leaves the integration user "
            f"out{only_warns}",
            object,
        )


def _validation_rules(session: Session) -> Iterator[CheckNote]:
    columns = ("ValidationName", "ErrorMessage", "EntityDefinition.QualifiedApiName")
    query = soql.select("ValidationRule", columns, ("Active = true",))
    rules = _rows(session, "tooling/query/", query)
    if rules is None:
        yield CheckNote("ok", UNSEEN.format("validation"), TO_SEE)
    for rule in rules or ():
        name = rule.get("ValidationName", "")
        object = str((rule.get("EntityDefinition") or {}).get("QualifiedApiName", ""))
        yield CheckNote(
            "warning",
            f'the validation rule "{name}" on {object} is active ("{rule.get("ErrorMessage")}"): '
            f"it judges every change of a record, also of syncd's fields alone; what it refuses "
            f"{LOST}",
            f"Setup > Object Manager > {object} > Validation Rules > {name}: spare the integration "
            "user, or see that the records pass as they are",
            object,
        )


def _rows(session: Session, path: str, query: str) -> list[dict[str, Any]] | None:
    """A query's first page; None where the object is not there or may not be seen."""
    try:
        answer = session.other(lambda sf: sf.restful(path, params={"q": query}))
    except (AccessError, RequestError):
        return None
    rows = answer.get("records") if isinstance(answer, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else None


def _first(
    session: Session, object: str, fields: tuple[str, ...], conditions: tuple[str, ...]
) -> dict[str, Any]:
    """The first such record; empty where the user may not see it."""
    query = soql.select(object, fields, conditions) + " LIMIT 1"
    try:
        records = session.other(lambda sf: sf.query(query))["records"]
    except (AccessError, RequestError):
        return {}
    return dict(records[0]) if records else {}


def _allowance(session: Session) -> CheckNote:
    allowance = session.allowance()
    if allowance.left is None:
        return CheckNote(
            "warning",
            "the org does not tell how many API calls are used: syncd cannot keep to its share",
            "see Setup > Company Information > API Requests, Last 24 Hours",
        )
    left = allowance.left
    text = (
        f"{allowance.used or 0:,} of {allowance.limit or 0:,} API calls of the last 24 hours are "
        f"used (by everyone); syncd stops at {allowance.share:.0%}: {left:,} left"
    )
    if left >= FEW_CALLS:
        return CheckNote("ok", text)
    return CheckNote(
        "warning" if left else "error",
        text,
        "wait until earlier calls are 24 hours old, raise limits.daily_share, or find out who "
        "uses them (Setup > API Usage Last 7 Days)",
    )
