"""The Tooling API's part: custom fields made, listed and removed; definitions; validation rules."""

from __future__ import annotations

from typing import Any

from connectors.salesforce.sandbox.api import Api, Reply, Request
from connectors.salesforce.sandbox.errors import RequestError, not_found
from connectors.salesforce.sandbox.fields import (
    ACTIVITIES,
    ACTIVITY,
    add_field,
    remove_field,
)
from connectors.salesforce.sandbox.ids import long_id, mint
from connectors.salesforce.sandbox.judging import VALIDATION_PREFIX, shown
from connectors.salesforce.sandbox.metadata import metadata_of
from connectors.salesforce.sandbox.org import Org
from connectors.salesforce.sandbox.schema import Field, SObject, parse_object
from connectors.salesforce.sandbox.soql import Runner

_CUSTOM_FIELD = (
    "CustomField:00N:Custom Field:Custom Fields:CUDQ",
    """
Id:id:::Custom Field ID
DeveloperName:string:80:FSGAP:Developer Name
TableEnumOrId:picklist:40:FSGA:Table Enum or ID
EntityDefinitionId:string:40:NFSGA:Entity Definition ID
NamespacePrefix:string:15:NFSGA:Namespace Prefix
FullName:string:255:NFSGA:Full Name
InlineHelpText:string:1000:NFSGA:Help Text
CreatedDate:datetime::FSA:Created Date
LastModifiedDate:datetime::FSA:Last Modified Date
""",
)
_ENTITY = (
    "EntityDefinition:4ie:Entity Definition:Entity Definitions:Q",
    """
Id:id:::ID
DurableId:string:80:FSGA:Durable ID
QualifiedApiName:string:70:FSGA:Qualified API Name
DeveloperName:string:70:FSGA:Developer Name
Label:string:40:FSGA:Label
PluralLabel:string:40:FSGA:Plural Label
KeyPrefix:string:3:NFSGA:Key Prefix
IsCustomizable:boolean::FSG:Is Customizable
IsQueryable:boolean::FSG:Is Queryable
""",
)
_FIELD = (
    "FieldDefinition:4fe:Field Definition:Field Definitions:Q",
    """
Id:id:::ID
DurableId:string:120:FSGA:Durable ID
QualifiedApiName:string:70:FSGA:Qualified API Name
DeveloperName:string:70:FSGA:Developer Name
EntityDefinitionId:string:80:FSGA:Entity Definition ID
Label:string:80:FSGA:Label
DataType:string:80:FSGA:Data Type
Length:int::FSGA:Length
IsNillable:boolean::FSG:Is Nillable
""",
)
_VALIDATION_RULE = (
    f"ValidationRule:{VALIDATION_PREFIX}:Validation Rule:Validation Rules:CUDQ",
    """
Id:id:::ID
ValidationName:string:80:CUFSGA:Validation Name
EntityDefinitionId:string:40:FSGA:Entity Definition ID
EntityKey:reference::FSGA:Entity Definition:to=EntityDefinition:rel=EntityDefinition
Active:boolean::DFSG:Active
Description:string:255:NFS:Description
ErrorMessage:string:255:NFSGA:Error Message
ErrorDisplayField:string:80:NFSGA:Error Display Field
NamespacePrefix:string:15:NFSGA:Namespace Prefix
CreatedDate:datetime::FSA:Created Date
LastModifiedDate:datetime::FSA:Last Modified Date
""",
)
# EntityKey is what the dots of ``EntityDefinition.QualifiedApiName`` follow; an org has no such
# field.


def _owners(org: Org) -> list[tuple[str, Field]]:
    """Each custom field once, with the object that it is defined on."""
    found: dict[str, tuple[str, Field]] = {}
    for kind in org.objects.values():
        owner = ACTIVITY if kind.name in ACTIVITIES else kind.name
        for one in kind.fields.values():
            if one.custom:
                found[f"{owner}.{one.name}"] = (owner, one)
    return list(found.values())


def field_id(org: Org, full_name: str) -> str:
    """The id of a custom field's definition."""
    if full_name not in org.field_ids:
        org.field_ids[full_name] = org.new_key("00N")
    return org.field_ids[full_name]


def _view(org: Org, user: str) -> Org:
    """The definitions as an org of their own, to be queried like any other."""
    kinds = [parse_object(*one) for one in (_CUSTOM_FIELD, _ENTITY, _FIELD)]
    if org.access.sees_setup(user):
        kinds.append(parse_object(*_VALIDATION_RULE))
    view = Org(org.clock, objects={kind.name: kind for kind in kinds})
    now = org.now()
    for owner, one in _owners(org):
        full_name = f"{owner}.{one.name}"
        view.tables["CustomField"].put(
            {
                "Id": field_id(org, full_name),
                "DeveloperName": one.name.removesuffix("__c"),
                "TableEnumOrId": owner,
                "EntityDefinitionId": owner,
                "FullName": full_name,
                "InlineHelpText": one.help,
                "CreatedDate": now,
                "LastModifiedDate": now,
            }
        )
    for number, kind in enumerate(org.objects.values(), start=1):
        view.tables["EntityDefinition"].put(_entity(kind, mint("4ie", number)))
        for one in kind.fields.values():
            table = view.tables["FieldDefinition"]
            table.put(_field(kind, one, mint("4fe", len(table.rows) + 1)))
    if "ValidationRule" in view.tables:
        keys = {
            row["DurableId"]: row["Id"] for row in view.tables["EntityDefinition"].rows.values()
        }
        for rule in shown(org):
            rule["EntityKey"] = keys[rule["EntityDefinitionId"]]
            view.tables["ValidationRule"].put({k: v for k, v in rule.items() if v is not None})
    return view


def _entity(kind: SObject, key: str) -> dict[str, Any]:
    return {
        "Id": key,
        "DurableId": kind.name,
        "QualifiedApiName": kind.name,
        "DeveloperName": kind.name.removesuffix("__c"),
        "Label": kind.label,
        "PluralLabel": kind.plural,
        "KeyPrefix": kind.prefix,
        "IsCustomizable": "T" in kind.flags,
        "IsQueryable": kind.queryable,
    }


def _field(kind: SObject, one: Field, key: str) -> dict[str, Any]:
    return {
        "Id": key,
        "DurableId": f"{kind.name}.{one.name}",
        "QualifiedApiName": one.name,
        "DeveloperName": one.name.removesuffix("__c"),
        "EntityDefinitionId": kind.name,
        "Label": one.label,
        "DataType": one.type,
        "Length": one.length,
        "IsNillable": one.nillable,
    }


def query(api: Api, request: Request) -> Reply:
    """``GET tooling/query?q=``: always one page."""
    runner = Runner(_view(api.org, request.user), None, request.version)
    runner.base = f"{request.base}/tooling/sobjects"
    result = runner.run(request.query.get("q", ""))
    records = [result.record(row) for row in result.rows]
    return Reply(
        {
            "size": len(records),
            "totalSize": result.total,
            "done": True,
            "queryLocator": None,
            "entityTypeName": "",
            "records": records,
        },
        rows=len(records),
    )


def create(api: Api, request: Request) -> Reply:
    """``POST tooling/sobjects/CustomField``."""
    body = request.object()
    metadata = body.get("Metadata")
    if not isinstance(metadata, dict) or "." not in str(body.get("FullName")):
        raise RequestError(
            400,
            "REQUIRED_FIELD_MISSING",
            "Required fields are missing: [FullName, Metadata]",
            fields=["FullName", "Metadata"],
        )
    made = add_field(api.org, str(body["FullName"]), metadata)
    return Reply({"id": made, "success": True, "errors": [], "warnings": [], "infos": []}, 201)


def _named(api: Api, key: str) -> tuple[str, str, Field]:
    full = long_id(key)
    for owner, one in _owners(api.org):
        full_name = f"{owner}.{one.name}"
        if field_id(api.org, full_name) == full:
            return full_name, owner, one
    raise not_found()


def read(api: Api, request: Request, key: str) -> Reply:
    """``GET tooling/sobjects/CustomField/ID``."""
    full_name, owner, one = _named(api, key)
    made = field_id(api.org, full_name)
    url = f"{request.base}/tooling/sobjects/CustomField/{made}"
    return Reply(
        {
            "attributes": {"type": "CustomField", "url": url},
            "Id": made,
            "DeveloperName": one.name.removesuffix("__c"),
            "TableEnumOrId": owner,
            "FullName": full_name,
            "Metadata": metadata_of(one),
        }
    )


def remove(api: Api, request: Request, key: str) -> Reply:
    """``DELETE tooling/sobjects/CustomField/ID``."""
    del request
    full_name, _, _ = _named(api, key)
    remove_field(api.org, full_name)
    return Reply(status=204)


ROUTES = (
    ("GET", "tooling/query", query),
    ("POST", "tooling/sobjects/CustomField", create),
    ("GET", "tooling/sobjects/CustomField/{key}", read),
    ("DELETE", "tooling/sobjects/CustomField/{key}", remove),
)
