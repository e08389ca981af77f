"""dlt's REST source against an org: it logs in by itself and follows nextRecordsUrl."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from dlt.sources.rest_api import rest_api_source

ORG = "https://acme.my.salesforce.com"
asked = json.loads(Path(sys.argv[1]).read_text())


def source(name: str) -> Any:
    """A source of one query."""
    condition = f" WHERE SystemModstamp >= {asked['since']}" if asked["task"] == "since" else ""
    return rest_api_source(
        {
            "client": {
                "base_url": ORG,
                "auth": {
                    "type": "oauth2_client_credentials",
                    "access_token_url": f"{ORG}/services/oauth2/token",
                    "client_id": asked["auth"]["client_id"],
                    "client_secret": asked["auth"]["client_secret"],
                },
                "paginator": {"type": "json_link", "next_url_path": "nextRecordsUrl"},
            },
            "resources": [
                {
                    "name": name,
                    "endpoint": {
                        "path": "/services/data/v66.0/query",
                        "params": {"q": f"SELECT Id FROM {name}{condition}"},
                        "data_selector": "records",
                    },
                }
            ],
        }
    )


print(
    json.dumps(
        {name: [row["Id"] for row in source(name).resources[name]] for name in asked["objects"]}
    )
)
