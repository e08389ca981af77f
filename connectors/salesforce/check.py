"""What ``syncd check`` asks Salesforce beyond fields: the login, its end dates, the allowance."""

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
WRITTEN = ("Account", "Task")


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
    """Duplicate and validation rules, where the login may see them: they can refuse a write."""
    kinds = f"SobjectType IN ({', '.join(map(soql.text, WRITTEN))})"
    query = soql.select("DuplicateRule", ("MasterLabel", "SobjectType"), ("IsActive = true", kinds))
    for row in [] if session.settings.allow_duplicates else _rows(session, "query/", query):
        yield CheckNote(
            "warning",
            f'the duplicate rule "{row["MasterLabel"]}" on {row["SobjectType"]} is active: what it '
            "takes for a duplicate is refused, and quarantined with its text",
            "Setup > Duplicate Rules: except the integration user, or set allow_duplicates = true "
            "for a rule that only warns",
            row["SobjectType"],
        )
    kinds = kinds.replace("SobjectType", "EntityDefinition.QualifiedApiName")
    columns = ("ValidationName", "EntityDefinition.QualifiedApiName")
    query = soql.select("ValidationRule", columns, ("Active = true", kinds))
    for row in _rows(session, "tooling/query/", query):
        object = row["EntityDefinition"]["QualifiedApiName"]
        yield CheckNote(
            "warning",
            f'the validation rule "{row["ValidationName"]}" on {object} is active: what it refuses '
            "is quarantined with its text",
            f"Setup > Object Manager > {object} > Validation Rules: see that it spares changes of "
            "syncd's own fields",
            object,
        )


def _rows(session: Session, path: str, query: str) -> list[dict[str, Any]]:
    """A query's first page; nothing where the object is not there or may not be seen."""
    try:
        answer = session.other(lambda sf: sf.restful(path, params={"q": query}))
    except (AccessError, RequestError):
        return []
    return list(answer.get("records") or ()) if isinstance(answer, dict) else []


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
        f"{allowance.used} of {allowance.limit} API calls of the last 24 hours are used (by "
        f"everyone); syncd stops at {allowance.share:.0%}: {left} left"
    )
    if left >= FEW_CALLS:
        return CheckNote("ok", text)
    return CheckNote(
        "warning" if left else "error",
        text,
        "wait until earlier calls are 24 hours old, raise limits.daily_share, or find out who "
        "uses them (Setup > API Usage Last 7 Days)",
    )
