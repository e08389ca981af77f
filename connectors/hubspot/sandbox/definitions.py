"""Definitions: properties and their groups, pipelines, custom objects' schemas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connectors.hubspot.sandbox import reading
from connectors.hubspot.sandbox.api import Api, Reply, Request, Route
from connectors.hubspot.sandbox.batches import finish
from connectors.hubspot.sandbox.errors import ApiError, bad_input, not_found
from connectors.hubspot.sandbox.kinds import Kind
from connectors.hubspot.sandbox.schema import Property
from connectors.hubspot.sandbox.stages import Pipeline, Stage

MOST = 100
OLD_KEYS = frozenset(
    {"name", "label", "description", "groupName", "type", "fieldType", "options", "calculated"}
)


def _kind(api: Api, request: Request, *, write: bool = False) -> Kind:
    kind = api.portal.kinds.find(request.parts["type"])
    schemas = kind.schemas
    if not schemas.startswith("crm.schemas."):
        api.need(schemas)
    elif write:
        api.need(f"{schemas}.write")
    else:
        api.need(kind.reads, kind.writes, f"{schemas}.read", f"{schemas}.write")
    return kind


def _properties(api: Api, request: Request) -> Reply:
    kind = _kind(api, request)
    held = api.portal.catalogue.properties.get(kind.id, {})
    archived = request.flag("archived")
    shown = [p.wire() for p in held.values() if (p.archived is not None) is archived]
    return Reply({"results": shown}, rows=len(shown))


def _old_properties(api: Api, request: Request) -> Reply:
    """The list as older clients still ask for it: bare, with fewer keys."""
    kind = _kind(api, request)
    held = api.portal.catalogue.live(kind.id).values()
    shown = [{key: value for key, value in p.wire().items() if key in OLD_KEYS} for p in held]
    return Reply(shown, rows=len(shown))


def _property(api: Api, request: Request) -> Reply:
    kind = _kind(api, request)
    return Reply(api.portal.catalogue.get(kind.id, request.parts["name"]).wire(), rows=1)


def _add_property(api: Api, request: Request) -> Reply:
    kind = _kind(api, request, write=True)
    return Reply(_made(api, kind, request.json()).wire(), 201, rows=1)


def _made(api: Api, kind: Kind, body: dict[str, Any]) -> Property:
    return api.portal.catalogue.create(kind.id, body, api.portal.now(), api.portal.user)


def _change_property(api: Api, request: Request) -> Reply:
    kind, portal = _kind(api, request, write=True), api.portal
    name, body = request.parts["name"], request.json()
    return Reply(portal.catalogue.change(kind.id, name, body, portal.now()).wire(), rows=1)


def _drop_property(api: Api, request: Request) -> Reply:
    kind = _kind(api, request, write=True)
    api.portal.catalogue.archive(kind.id, request.parts["name"], api.portal.now())
    return Reply(None, 204)


def _properties_batch(api: Api, request: Request) -> Reply:
    verb = request.parts["verb"]
    if verb not in ("create", "read", "archive"):
        raise not_found()
    kind, started = _kind(api, request, write=verb != "read"), api.portal.now()
    catalogue = api.portal.catalogue

    def create(one: dict[str, Any]) -> Any:
        return _made(api, kind, one).wire(brief=True)

    def read(one: dict[str, Any]) -> Any:
        return catalogue.get(kind.id, str(one.get("name"))).wire()

    def archive(one: dict[str, Any]) -> Any:
        catalogue.archive(kind.id, str(one.get("name")), started)

    results, errors = _each(
        request.inputs(MOST), {"create": create, "read": read, "archive": archive}[verb]
    )
    if verb == "archive":
        return Reply(None, 204)
    done = 201 if verb == "create" else 200
    return finish(started, api.portal.now(), results, errors, done=done)


def _each(
    inputs: list[dict[str, Any]], make: Callable[[dict[str, Any]], Any]
) -> tuple[list[Any], list[Any]]:
    results: list[Any] = []
    errors: list[Any] = []
    for one in inputs:
        try:
            results.append(make(one))
        except ApiError as error:
            errors.append(error.entry())
    return results, errors


def _groups(api: Api, request: Request) -> Reply:
    kind = _kind(api, request)
    held = api.portal.catalogue.groups.get(kind.id, {}).values()
    return Reply({"results": [group.wire() for group in held if not group.archived]})


def _group(api: Api, request: Request) -> Reply:
    kind = _kind(api, request)
    return Reply(api.portal.catalogue.group(kind.id, request.parts["group"]).wire())


def _add_group(api: Api, request: Request) -> Reply:
    kind = _kind(api, request, write=True)
    return Reply(api.portal.catalogue.create_group(kind.id, request.json()).wire(), 201)


def _change_group(api: Api, request: Request) -> Reply:
    kind, body = _kind(api, request, write=True), request.json()
    group = api.portal.catalogue.group(kind.id, request.parts["group"])
    group.label = str(body.get("label") or group.label)
    group.display_order = reading.whole(body, "displayOrder", group.display_order)
    return Reply(group.wire())


def _drop_group(api: Api, request: Request) -> Reply:
    kind = _kind(api, request, write=True)
    api.portal.catalogue.archive_group(kind.id, request.parts["group"])
    return Reply(None, 204)


def _pipelines(api: Api, request: Request) -> Reply:
    kind = _kind(api, request)
    held = api.portal.pipelines.get(kind.id, ())
    return Reply({"results": [one.wire() for one in held if not one.archived]})


def _pipeline_of(api: Api, request: Request, *, write: bool = False) -> Pipeline:
    kind = _kind(api, request, write=write)
    for one in api.portal.pipelines.get(kind.id, ()):
        if one.id == request.parts["pipeline"] and not one.archived:
            return one
    raise not_found()


def _pipeline(api: Api, request: Request) -> Reply:
    return Reply(_pipeline_of(api, request).wire())


def _stages(api: Api, request: Request) -> Reply:
    return Reply({"results": [one.wire() for one in _pipeline_of(api, request).stages]})


def _add_pipeline(api: Api, request: Request) -> Reply:
    kind, body, now = _kind(api, request, write=True), request.json(), api.portal.now()
    held = api.portal.pipelines.setdefault(kind.id, [])
    if not body.get("label") or not body.get("stages"):
        raise bad_input("a pipeline needs a label and stages")
    id = str(body.get("pipelineId") or api.portal.new_id())
    made = Pipeline(
        id,
        str(body["label"]),
        reading.whole(body, "displayOrder", 0),
        created=now,
        updated=now,
    )
    made.stages = [_stage(api, kind, one) for one in reading.objects(body["stages"], "stages")]
    held.append(made)
    return Reply(made.wire(), 201)


def _add_stage(api: Api, request: Request) -> Reply:
    pipeline = _pipeline_of(api, request, write=True)
    stage = _stage(api, _kind(api, request), request.json())
    pipeline.stages.append(stage)
    pipeline.updated = stage.created
    return Reply(stage.wire(), 201)


def _stage(api: Api, kind: Kind, body: dict[str, Any]) -> Stage:
    metadata = _metadata(body)
    if kind.name == "deals":
        if "probability" not in metadata:
            raise ApiError(400, "A deal stage needs metadata.probability between 0.0 and 1.0")
        closed = metadata["probability"] in ("0.0", "1.0", "0", "1")
        metadata = {"isClosed": "true" if closed else "false", **metadata}
    elif kind.name == "tickets":
        state = metadata.setdefault("ticketState", "OPEN")
        metadata = {"isClosed": "true" if state == "CLOSED" else "false", **metadata}
    if not body.get("label"):
        raise bad_input("a stage needs a label")
    now, id = api.portal.now(), str(body.get("stageId") or api.portal.new_id())
    order = reading.whole(body, "displayOrder", 0)
    return Stage(id, str(body["label"]), order, metadata, now, now)


def _metadata(body: dict[str, Any]) -> dict[str, str]:
    given = reading.mapping(body.get("metadata"), "metadata")
    return {key: str(value) for key, value in given.items()}


def _change_stage(api: Api, request: Request) -> Reply:
    pipeline, body = _pipeline_of(api, request, write=True), request.json()
    stage = pipeline.stage(request.parts["stage"])
    if stage is None:
        raise not_found()
    stage.label = str(body.get("label") or stage.label)
    stage.order = reading.whole(body, "displayOrder", stage.order)
    stage.metadata |= _metadata(body)
    stage.updated = api.portal.now()
    return Reply(stage.wire())


_P, _L = "/crm/v3/properties/{type}", "/crm/v3/pipelines/{type}"
ROUTES: tuple[Route, ...] = (
    ("GET", "/properties/v2/{type}/properties", _old_properties),
    ("GET", _P, _properties),
    ("POST", _P, _add_property),
    ("GET", f"{_P}/groups", _groups),
    ("POST", f"{_P}/groups", _add_group),
    ("GET", f"{_P}/groups/{{group}}", _group),
    ("PATCH", f"{_P}/groups/{{group}}", _change_group),
    ("DELETE", f"{_P}/groups/{{group}}", _drop_group),
    ("POST", f"{_P}/batch/{{verb}}", _properties_batch),
    ("GET", f"{_P}/{{name}}", _property),
    ("PATCH", f"{_P}/{{name}}", _change_property),
    ("DELETE", f"{_P}/{{name}}", _drop_property),
    ("GET", _L, _pipelines),
    ("POST", _L, _add_pipeline),
    ("GET", f"{_L}/{{pipeline}}", _pipeline),
    ("GET", f"{_L}/{{pipeline}}/stages", _stages),
    ("POST", f"{_L}/{{pipeline}}/stages", _add_stage),
    ("PATCH", f"{_L}/{{pipeline}}/stages/{{stage}}", _change_stage),
)
