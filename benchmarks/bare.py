"""The CRMs' own clients, reading the same rows with the loop that their manuals show."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import hubspot
import requests
from hubspot.crm.associations.v4 import BatchInputPublicFetchAssociationsBatchRequest
from simple_salesforce.api import Salesforce


def salesforce(settings: dict[str, Any], sources: list[dict[str, Any]]) -> int:
    """``query_all_iter`` for each source; the rows read."""
    session = requests.Session()
    session.verify, session.trust_env = settings["ca_file"], False
    auth = settings["auth"]
    token = session.post(
        f"{settings['instance_url']}/services/oauth2/token",
        data={
            "grant_type": "client_credentials",
            "client_id": auth["client_id"],
            "client_secret": auth["client_secret"],
        },
        timeout=60,
    ).json()
    client = Salesforce(
        instance_url=token["instance_url"],
        session_id=token["access_token"],
        session=session,
        version=settings["api_version"],
    )
    rows = 0
    for source in sources:
        fields = ", ".join(dict.fromkeys(["Id", *source["fields"]]))
        where = f" WHERE {source['where']}" if source["where"] else ""
        query = f"SELECT {fields} FROM {source['object']}{where}"
        rows += sum(1 for _ in client.query_all_iter(query, include_deleted=source["deleted"]))
    session.close()
    return rows


def hubspot_rows(settings: dict[str, Any], sources: list[dict[str, Any]]) -> int:
    """``get_page`` after ``get_page``, and the associations of each 1,000 rows; the rows read."""
    client = hubspot.Client.create(
        access_token=settings["auth"]["access_token"],
        host=settings["base_url"],
        ssl_ca_cert=settings["ca_file"],
    )
    objects = client.crm.objects.basic_api
    links = client.crm.associations.v4.batch_api
    rows = 0
    for source in sources:
        if source["object"] == "owners":
            rows += len(client.crm.owners.owners_api.get_page(limit=500).results)
            continue
        ids: list[str] = []
        after: str | None = None
        while True:
            page = objects.get_page(
                source["object"], limit=100, after=after, properties=source["fields"]
            )
            ids += [row.id for row in page.results]
            if page.paging is None:
                break
            after = page.paging.next.after
        for to in source["links"]:
            for start in range(0, len(ids), 1_000):
                inputs = [{"id": id} for id in ids[start : start + 1_000]]
                batch = BatchInputPublicFetchAssociationsBatchRequest(inputs=inputs)
                links.get_page(source["object"], to, batch)
        rows += len(ids)
    return rows


def main() -> None:
    """Read settings and sources from stdin; print rows and seconds."""
    given = json.load(sys.stdin)
    read = salesforce if given["kind"] == "salesforce" else hubspot_rows
    started = time.perf_counter()
    rows = read(given["settings"], given["sources"])
    print(json.dumps({"rows": rows, "seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    main()
