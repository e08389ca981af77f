"""What describe says of the org, of an object and of its fields.

The keys are those of a recorded org; a field that the user may not see is absent.
"""

from __future__ import annotations

from typing import Any

from connectors.salesforce.sandbox.api import Api, Reply, Request
from connectors.salesforce.sandbox.errors import GUIDANCE, RequestError, not_found
from connectors.salesforce.sandbox.schema import TEXTS, Field, SObject, picklist_entry

MASTER_RECORD_TYPE = "012000000000000AAA"
SOAP_TYPES = {
    "address": "urn:address",
    "base64": "xsd:base64Binary",
    "boolean": "xsd:boolean",
    "currency": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "double": "xsd:double",
    "id": "tns:ID",
    "int": "xsd:int",
    "percent": "xsd:double",
    "reference": "tns:ID",
}
INT_DIGITS = 8
BYTES_PER_CHARACTER = 3


def _bytes(one: Field) -> int:
    if one.type in {"id", "reference"}:
        return one.length
    return one.length * BYTES_PER_CHARACTER if one.type in TEXTS else 0


def field_describe(one: Field) -> dict[str, Any]:
    """A field's describe."""
    several = len(one.to) > 1
    return {
        "aggregatable": "A" in one.flags,
        "aiPredictionField": False,
        "autoNumber": "M" in one.flags,
        "byteLength": _bytes(one),
        "calculated": one.formula is not None,
        "calculatedFormula": one.formula,
        "cascadeDelete": False,
        "caseSensitive": one.case_sensitive,
        "compoundFieldName": one.compound,
        "controllerName": None,
        "createable": one.createable and one.formula is None,
        "custom": one.custom,
        "defaultValue": one.default,
        "defaultValueFormula": None,
        "defaultedOnCreate": "D" in one.flags,
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "digits": INT_DIGITS if one.type == "int" else 0,
        "displayLocationInDecimal": False,
        "encrypted": False,
        "externalId": one.external_id,
        "extraTypeInfo": one.extra,
        "filterable": one.filterable,
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": False,
        "groupable": "G" in one.flags,
        "highScaleNumber": False,
        "htmlFormatted": one.html,
        "idLookup": "L" in one.flags or one.external_id,
        "inlineHelpText": one.help,
        "label": one.label,
        "length": one.length,
        "mask": None,
        "maskType": None,
        "name": one.name,
        "nameField": "P" in one.flags,
        "namePointing": several,
        "nillable": one.nillable,
        "permissionable": one.permissionable,
        "picklistValues": [picklist_entry(value, one.default) for value in one.values],
        "polymorphicForeignKey": several,
        "precision": one.precision,
        "queryByDistance": one.type == "address",
        "referenceTargetField": None,
        "referenceTo": list(one.to),
        "relationshipName": one.relationship,
        "relationshipOrder": None,
        "restrictedDelete": False,
        "restrictedPicklist": "R" in one.flags,
        "scale": one.scale,
        "searchPrefilterable": one.type == "reference" and one.permissionable,
        "soapType": SOAP_TYPES.get(one.type, "xsd:string"),
        "sortable": one.sortable,
        "type": one.type,
        "unique": one.unique,
        "updateable": one.updateable and one.formula is None,
        "writeRequiresMasterRead": False,
    }


def summary(kind: SObject, base: str) -> dict[str, Any]:
    """An object's entry in the describe of the whole org."""
    has = kind.flags.__contains__
    url = f"{base}/sobjects/{kind.name}"
    urls = {"rowTemplate": f"{url}/{{ID}}", "describe": f"{url}/describe", "sobject": url}
    if has("T"):
        urls = {
            "compactLayouts": f"{url}/describe/compactLayouts",
            "rowTemplate": f"{url}/{{ID}}",
            "approvalLayouts": f"{url}/describe/approvalLayouts",
            "listviews": f"{url}/listviews",
            "describe": f"{url}/describe",
            "quickActions": f"{url}/quickActions",
            "layouts": f"{url}/describe/layouts",
            "sobject": url,
        }
    return {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": has("C"),
        "custom": kind.custom,
        "customSetting": False,
        "deepCloneable": False,
        "deletable": has("D"),
        "deprecatedAndHidden": False,
        "feedEnabled": has("H"),
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": kind.prefix,
        "label": kind.label,
        "labelPlural": kind.plural,
        "layoutable": has("T"),
        "mergeable": has("M"),
        "mruEnabled": has("T"),
        "name": kind.name,
        "queryable": has("Q"),
        "replicateable": has("R"),
        "retrieveable": has("Q"),
        "searchable": has("T"),
        "triggerable": has("T"),
        "undeletable": has("H"),
        "updateable": has("U"),
        "urls": urls,
    }


def _as_seen(described: dict[str, Any], *, fixed: bool) -> dict[str, Any]:
    """A field without the right to edit it shows as one that nobody may write."""
    if fixed:
        described["createable"] = described["updateable"] = False
    return described


def whole(api: Api, kind: SObject, request: Request) -> dict[str, Any]:
    """An object's full describe as the user sees it."""
    view = api.org.access.view(request.user, kind.name)
    makes, edits, removes = (
        api.org.access.may(request.user, kind.name, right) for right in ("Create", "Edit", "Delete")
    )
    children: list[dict[str, Any]] = [
        {
            "cascadeDelete": False,
            "childSObject": other.name,
            "deprecatedAndHidden": False,
            "field": link.name,
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
            "relationshipName": link.child_name,
            "restrictedDelete": False,
        }
        for other in api.org.objects.values()
        for link in other.fields.values()
        if kind.name in link.to
    ]
    described = summary(kind, request.base) | {
        "actionOverrides": [],
        "childRelationships": children,
        "compactLayoutable": "T" in kind.flags,
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "createable": "C" in kind.flags and makes,
        "deletable": "D" in kind.flags and removes,
        "updateable": "U" in kind.flags and edits,
        "fields": [
            _as_seen(field_describe(one), fixed=one.name in view.fixed or not edits)
            for one in kind.fields.values()
            if one.name not in view.hidden
        ],
        "implementedBy": None,
        "implementsInterfaces": None,
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": _record_types(api, kind, request),
        "searchLayoutable": "T" in kind.flags,
        "sobjectDescribeOption": "FULL",
        "supportedScopes": [
            {"label": f"All {kind.plural.lower()}", "name": "everything"},
            {"label": f"My {kind.plural.lower()}", "name": "mine"},
        ],
    }
    return dict(sorted(described.items()))


def _record_types(api: Api, kind: SObject, request: Request) -> list[dict[str, Any]]:
    if "H" not in kind.flags:
        return []
    layouts = f"{request.base}/sobjects/{kind.name}/describe/layouts"
    own = [
        row for row in api.org.tables["RecordType"].rows.values() if row["SobjectType"] == kind.name
    ]
    infos = [
        {
            "active": row.get("IsActive", True),
            "available": True,
            "defaultRecordTypeMapping": place == 0,
            "developerName": row["DeveloperName"],
            "master": False,
            "name": row["Name"],
            "recordTypeId": row["Id"],
            "urls": {"layout": f"{layouts}/{row['Id']}"},
        }
        for place, row in enumerate(own)
    ]
    infos.append(
        {
            "active": True,
            "available": True,
            "defaultRecordTypeMapping": not own,
            "developerName": "Master",
            "master": True,
            "name": "Master",
            "recordTypeId": MASTER_RECORD_TYPE,
            "urls": {"layout": f"{layouts}/{MASTER_RECORD_TYPE}"},
        }
    )
    return infos


def everything(api: Api, request: Request) -> Reply:
    """``GET sobjects``: all objects."""
    return Reply(
        {
            "encoding": "UTF-8",
            "maxBatchSize": 200,
            "sobjects": [summary(kind, request.base) for kind in api.org.objects.values()],
        }
    )


def basic(api: Api, request: Request, name: str) -> Reply:
    """``GET sobjects/X``: an object in short."""
    return Reply({"objectDescribe": summary(api.kind(name), request.base), "recentItems": []})


def full(api: Api, request: Request, name: str) -> Reply:
    """``GET sobjects/X/describe``."""
    kind = api.kind(name)
    if not api.org.access.may(request.user, kind.name, "Read"):
        raise not_found()
    return Reply(whole(api, kind, request))


def unknown_type(name: str) -> RequestError:
    """The refusal of a row whose type the org does not have."""
    return RequestError(
        400,
        "INVALID_TYPE",
        f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be "
        "sure to append the '__c' after the entity name. " + GUIDANCE,
    )


ROUTES = (
    ("GET", "sobjects", everything),
    ("GET", "sobjects/{name}", basic),
    ("GET", "sobjects/{name}/describe", full),
)
