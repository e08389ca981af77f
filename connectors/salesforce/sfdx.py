"""The provisioning as a Salesforce DX project, for admins who deploy their own way.

Formats: https://developer.salesforce.com/docs/atlas.en-us.api_meta.meta/api_meta/meta_types_list.htm
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from connectors.salesforce import fields
from connectors.salesforce.fields import PERMISSION_SET
from syncd.connector import FieldSpec

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
SOURCE = Path("force-app/main/default")
LIST_VIEW = "Renewals_in_the_window"
REPORT_TYPE = "Accounts_with_syncd"
OPEN_STATES = ("window_open", "overdue")
COLUMNS = 15  # a list view has no more


def source_files(specs: Sequence[FieldSpec], folder: Path, api_version: str) -> Iterator[Path]:
    """Write fields, permission set, list view, report type and a page section; yields each path.

    Raises OSError when the folder cannot be written.
    """
    wanted = fields.distinct(specs)
    custom = [spec for spec in wanted if fields.can_be_made(spec)]
    account = [spec for spec in custom if spec.object == "Account" and spec.writable]
    texts: dict[Path, str] = {Path("sfdx-project.json"): _project(api_version)}
    for spec in custom:
        place = SOURCE / "objects" / fields.owner(spec.object) / "fields"
        texts[place / f"{spec.name}.field-meta.xml"] = _field(spec)
    place = SOURCE / "permissionsets"
    texts[place / f"{PERMISSION_SET}.permissionset-meta.xml"] = _permission_set(wanted)
    if account:
        texts[SOURCE / "reportTypes" / f"{REPORT_TYPE}.reportType-meta.xml"] = _report_type(account)
        texts[Path("merge-by-hand/Account_Record_Page.section.xml")] = _page_section(account)
        view = _list_view(account)
        if view:
            place = SOURCE / "objects" / "Account" / "listViews"
            texts[place / f"{LIST_VIEW}.listView-meta.xml"] = view
    for path, text in texts.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        yield target


def _project(api_version: str) -> str:
    project = {
        "packageDirectories": [{"path": "force-app", "default": True}],
        "namespace": "",
        "sourceApiVersion": api_version,
    }
    return json.dumps(project, indent=2) + "\n"


def _elements(content: Any, depth: int = 1) -> str:
    """Nested mappings as XML elements; a list repeats its element."""
    lines = []
    indent = "    " * depth
    for name, value in content.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, Mapping):
                inner = _elements(one, depth + 1)
                lines.append(f"{indent}<{name}>\n{inner}{indent}</{name}>\n")
            else:
                text = str(one).lower() if isinstance(one, bool) else escape(str(one), quote=False)
                lines.append(f"{indent}<{name}>{text}</{name}>\n")
    return "".join(lines)


def _document(root: str, content: Mapping[str, Any], comment: str = "") -> str:
    """A metadata file. Salesforce keeps elements in the order of their names, and so do these."""
    ordered = {name: content[name] for name in sorted(content)}
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{comment}'
        f'<{root} xmlns="{NAMESPACE}">\n{_elements(ordered)}</{root}>\n'
    )


def _field(spec: FieldSpec) -> str:
    content = {"fullName": spec.name, **fields.metadata(spec)}
    options = content.pop("options", ())
    if not content["description"]:
        del content["description"]
    if options:
        values = [{"fullName": one, "default": False, "label": one} for one in options]
        content["valueSet"] = {
            "restricted": True,
            "valueSetDefinition": {"sorted": False, "value": values},
        }
    return _document("CustomField", content)


def _permission_set(specs: Iterable[FieldSpec]) -> str:
    rights = [
        {"editable": spec.writable, "field": f"{spec.object}.{spec.name}", "readable": True}
        for spec in sorted(specs, key=lambda spec: (spec.object, spec.name))
        if fields.is_custom(spec.name)
    ]
    return _document(
        "PermissionSet",
        {
            "description": "What syncd reads and writes, for its integration user only.",
            "fieldPermissions": rights,
            "hasActivationRequired": False,
            "label": PERMISSION_SET,
        },
    )


def _named(specs: Sequence[FieldSpec], part: str) -> FieldSpec | None:
    return next((spec for spec in specs if part in spec.name.lower()), None)


def _list_view(account: Sequence[FieldSpec]) -> str:
    """The view of accounts whose renewal window is open; empty without the fields for it."""
    status, opens = _named(account, "renewal_status"), _named(account, "window_opens")
    if status is not None and set(OPEN_STATES) <= set(status.options or OPEN_STATES):
        rule = {"field": status.name, "operation": "equals", "value": ",".join(OPEN_STATES)}
    elif opens is not None:
        rule = {"field": opens.name, "operation": "lessOrEqual", "value": "TODAY"}
    else:
        return ""
    shown = [spec.name for spec in account if "reason" not in spec.name.lower()]
    return _document(
        "ListView",
        {
            "columns": ["ACCOUNT.NAME", *shown][:COLUMNS],
            "filterScope": "Everything",
            "filters": [rule],
            "fullName": LIST_VIEW,
            "label": "Renewals in the window",
        },
    )


def _report_type(account: Sequence[FieldSpec]) -> str:
    columns = [
        {"checkedByDefault": True, "field": name, "table": "Account"}
        for name in ("Name", "Owner", *(spec.name for spec in account))
    ]
    return _document(
        "ReportType",
        {
            "baseObject": "Account",
            "category": "accounts",
            "deployed": True,
            "description": "Accounts with the values that syncd keeps",
            "label": "Accounts with syncd",
            "sections": {"columns": columns, "masterLabel": "syncd"},
        },
    )


def _page_section(account: Sequence[FieldSpec]) -> str:
    """A field section for the account's Lightning page, every field read-only."""
    readonly = {"name": "uiBehavior", "value": "readonly"}
    items = [
        {
            "fieldInstance": {
                "fieldInstanceProperties": readonly,
                "fieldItem": f"Record.{spec.name}",
                "identifier": f"Record{spec.name.replace('__', '_')}Field",
            }
        }
        for spec in account
    ]
    region = {"itemInstances": items, "name": "Facet-syncd-fields", "type": "Facet"}
    comment = (
        "<!-- Retrieve the account's own record page, then copy this region and a\n"
        "     flexipage:fieldSection that shows it into its flexipage file. -->\n"
    )
    return _document("FlexiPage", {"flexiPageRegions": region}, comment)
