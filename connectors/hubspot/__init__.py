"""HubSpot: companies, deals, tickets, contracts, tasks and owners of one portal.

Speaks through hubspot-api-client, which is imported when a connection is opened, not before.
"""

from connectors.hubspot.connector import HubSpotConnector

__all__ = ["HubSpotConnector"]
