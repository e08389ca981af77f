"""An emulated HubSpot portal, for trials without an account and for tests.

Emulated are bearer tokens, OAuth refresh and scopes; companies, contacts, deals, tickets,
activities, products, line items, services, contracts (read only) and custom objects with lists,
batches, search, merges and archives; v4 associations with labels; property catalogue, pipelines,
owners, schemas; limits and their headers.

Unverified against a real portal: the texts of the 400s beyond 10,000 search results and for list
limits over 100; whether a 429 of search names the policy SECONDLY; the envelope of an unknown
owner and of values out of a property's reach other than those in HubSpot's documentation; the
body of an expired OAuth token; the code of writes to contracts; association type numbers of
contracts and services; the full list of buying roles. HubSpot's refusal to move a lifecycle stage
backwards is not emulated.
"""

from __future__ import annotations

from connectors.hubspot.sandbox.access import ALL_SCOPES
from connectors.hubspot.sandbox.sandbox import HubSpotSandbox
from connectors.sandbox.faults import Fault

__all__ = ["ALL_SCOPES", "Fault", "HubSpotSandbox"]
