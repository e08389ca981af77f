"""dlt's REST source against a portal: lists by their next links, and search by its cursor."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from dlt.sources.rest_api import rest_api_source

asked = json.loads(Path(sys.argv[1]).read_text())


def source(name: str, endpoint: dict[str, Any]) -> Any:
    """A source of one resource."""
    return rest_api_source(
        {
            "client": {
                "base_url": "https://api.hubapi.com",
                "auth": {"type": "bearer", "token": asked["auth"]["access_token"]},
            },
            "resources": [{"name": name, "endpoint": {**endpoint, "data_selector": "results"}}],
        }
    )


def listed(name: str) -> dict[str, Any]:
    """All records, page by page."""
    return {
        "path": f"/crm/v3/objects/{name}",
        "params": {"limit": 100},
        "paginator": {"type": "json_link", "next_url_path": "paging.next.link"},
    }


def searched(name: str) -> dict[str, Any]:
    """The records changed since."""
    modified = "lastmodifieddate" if name == "contacts" else "hs_lastmodifieddate"
    since = int(datetime.fromisoformat(asked["since"]).timestamp() * 1000)
    condition = {"propertyName": modified, "operator": "GTE", "value": str(since)}
    return {
        "path": f"/crm/v3/objects/{name}/search",
        "method": "POST",
        "json": {"filterGroups": [{"filters": [condition]}], "limit": 200},
        "paginator": {
            "type": "cursor",
            "cursor_path": "paging.next.after",
            "cursor_body_path": "after",
        },
    }


endpoint = listed if asked["task"] == "all" else searched
print(
    json.dumps(
        {
            name: [row["id"] for row in source(name, endpoint(name)).resources[name]]
            for name in asked["objects"]
        }
    )
)
