"""The portal itself: its details, API usage, tokens, owners, and custom objects' schemas."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from connectors.hubspot.sandbox import reading
from connectors.hubspot.sandbox.api import Api, Reply, Request, Route, paged
from connectors.hubspot.sandbox.errors import ApiError, bad_input, no_object, not_found
from connectors.hubspot.sandbox.kinds import Kind
from connectors.hubspot.sandbox.rates import current
from connectors.hubspot.sandbox.times import EPOCH, instant

TIME_ZONE = "US/Eastern"  # as HubSpot writes it; the zone's own name is below
_ZONE = "America/New_York"
APP_ID, MOST_OWNERS = 19_083_857, 500


def _local(api: Api) -> datetime:
    at = EPOCH + timedelta(milliseconds=api.portal.now())
    return at.astimezone(ZoneInfo(_ZONE))


def _others(api: Api) -> list[str]:
    portal = api.portal
    known = current(portal.rates, portal.home_currency, portal.now())
    return sorted(known.keys() - {portal.home_currency})


def _details(api: Api, _request: Request) -> Reply:
    offset = _local(api).utcoffset() or timedelta()
    minutes = int(offset.total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    return Reply(
        {
            "portalId": api.portal.id,
            "accountType": "STANDARD",
            "timeZone": TIME_ZONE,
            "companyCurrency": api.portal.home_currency,
            "additionalCurrencies": _others(api),
            "utcOffset": f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}",
            "utcOffsetMilliseconds": minutes * 60_000,
            "uiDomain": "app.hubspot.com",
            "dataHostingLocation": "na1",
        }
    )


def _usage(api: Api, _request: Request) -> Reply:
    midnight = datetime.combine(
        _local(api).date() + timedelta(days=1), time(), tzinfo=ZoneInfo(_ZONE)
    )
    entry = {
        "name": "private-apps-api-calls-daily",
        "usageLimit": api.limits.daily,
        "currentUsage": api.limits.used_today,
        "collectedAt": instant(api.portal.now()),
        "fetchStatus": "SUCCESS",
        "resetsAt": instant(int(midnight.timestamp()) * 1000),
    }
    return Reply({"results": [entry]})


def _owners(api: Api, request: Request) -> Reply:
    api.need("crm.objects.owners.read")
    archived, email = request.flag("archived"), request.one("email").lower()
    found = [
        owner.wire()
        for owner in api.portal.owners.values()
        if owner.archived is archived and (not email or owner.email.lower() == email)
    ]
    return paged(request, found, MOST_OWNERS)


def _owner(api: Api, request: Request) -> Reply:
    api.need("crm.objects.owners.read")
    key, archived = request.parts["id"], request.flag("archived")
    by_user = request.one("idProperty") == "userId"
    for owner in api.portal.owners.values():
        if str(owner.user_id if by_user else owner.id) == key and owner.archived is archived:
            return Reply(owner.wire(), rows=1)
    raise no_object(key)


def _oauth(api: Api, request: Request) -> Reply:
    form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
    return Reply(api.access.issue(form), counted=False)


def _token(api: Api, request: Request) -> Reply:
    if request.json().get("tokenKey") != api.access.token or not api.access.token_valid:
        raise not_found()
    return Reply(
        {
            "userId": int(api.portal.user),
            "hubId": api.portal.id,
            "appId": APP_ID,
            "scopes": sorted(api.access.scopes),
        },
        counted=False,
    )


def schema(api: Api, kind: Kind) -> dict[str, Any]:
    """An object type as the schemas API shows it."""
    portal = api.portal
    singular, plural = portal.titles.get(kind.id, (kind.singular.capitalize(), kind.name))
    links = [
        {
            "fromObjectTypeId": kind.id,
            "toObjectTypeId": target,
            "name": f"{kind.singular}_to_{portal.kinds.by_id[target].singular}",
            "cardinality": "ONE_TO_MANY",
            "inverseCardinality": "ONE_TO_MANY",
            "id": str(one.type_id),
            "createdAt": None,
            "updatedAt": None,
        }
        for (source, target), labels in portal.labels.of.items()
        if source == kind.id and target in portal.kinds.by_id
        for one in labels
        if one.label is None
    ]
    return {
        "labels": {"singular": singular, "plural": plural},
        "requiredProperties": list(kind.required),
        "searchableProperties": [kind.display] if kind.display else [],
        "primaryDisplayProperty": kind.display,
        "secondaryDisplayProperties": [],
        "archived": False,
        "restorable": True,
        "metaType": "PORTAL_SPECIFIC" if kind.custom else "HUBSPOT",
        "id": kind.id.partition("-")[2],
        "fullyQualifiedName": portal.kinds.full_name(kind),
        "createdAt": instant(0),
        "updatedAt": instant(0),
        "objectTypeId": kind.id,
        "properties": [one.wire() for one in portal.catalogue.live(kind.id).values()],
        "associations": links,
        "name": kind.name if kind.custom else kind.upper,
    }


def _schemas(api: Api, _request: Request) -> Reply:
    api.need("crm.schemas.custom.read")
    return Reply(
        {"results": [schema(api, one) for one in api.portal.kinds.by_id.values() if one.custom]}
    )


def _schema(api: Api, request: Request) -> Reply:
    kind = api.portal.kinds.find(request.parts["type"])
    api.need("crm.schemas.custom.read" if kind.custom else kind.reads)
    return Reply(schema(api, kind))


def _add_schema(api: Api, request: Request) -> Reply:
    api.need("crm.schemas.custom.write")
    body, portal = request.json(), api.portal
    name, labels = str(body.get("name") or ""), reading.mapping(body.get("labels"), "labels")
    properties = reading.objects(body.get("properties"), "properties")
    if not name or not properties or not labels.get("singular"):
        raise bad_input("a schema needs name, labels, properties and requiredProperties")
    if any(name == kind.name for kind in portal.kinds.by_id.values()):
        raise ApiError(409, f"Object schema {name} already exists", "OBJECT_ALREADY_EXISTS")
    others = body.get("associatedObjects")
    targets = [_target(api, str(one)) for one in (others if isinstance(others, list) else ())]
    kind = portal.define(name, *_named(labels, name), targets=targets)
    group = f"{name}_information"
    for one in properties:
        portal.catalogue.create(kind.id, {"groupName": group, **one}, portal.now(), portal.user)
    required = body.get("requiredProperties")
    kind.required = tuple(str(one) for one in required) if isinstance(required, list) else ()
    kind.display = str(body.get("primaryDisplayProperty") or "")
    kind.defaults = (kind.display,) if kind.display else ()
    return Reply(schema(api, kind), 201)


def _named(labels: dict[str, Any], name: str) -> tuple[str, str]:
    return str(labels["singular"]), str(labels.get("plural") or name)


def _target(api: Api, name: str) -> str:
    return api.portal.kinds.find(name).id


def _drop_schema(api: Api, request: Request) -> Reply:
    api.need("crm.schemas.custom.write")
    kind = api.portal.kinds.find(request.parts["type"])
    if not kind.custom:
        raise ApiError(400, f"{kind.name} is no custom object")
    if api.portal.table(kind).live:
        raise ApiError(400, f"{kind.name} still has records and can't be deleted")
    api.portal.kinds.remove(kind)
    return Reply(None, 204)


ROUTES: tuple[Route, ...] = (
    ("GET", "/account-info/v3/details", _details),
    ("GET", "/account-info/v3/api-usage/daily/private-apps", _usage),
    ("GET", "/crm/v3/owners", _owners),
    ("GET", "/crm/v3/owners/{id}", _owner),
    ("POST", "/oauth/v1/token", _oauth),
    ("POST", "/oauth/v2/private-apps/get/access-token-info", _token),
    ("GET", "/crm/v3/schemas", _schemas),
    ("POST", "/crm/v3/schemas", _add_schema),
    ("GET", "/crm/v3/schemas/{type}", _schema),
    ("DELETE", "/crm/v3/schemas/{type}", _drop_schema),
)
