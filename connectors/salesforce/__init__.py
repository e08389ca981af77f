"""Salesforce: the connector and its sandbox."""

from connectors.salesforce.connector import SalesforceConnector

__all__ = ["SalesforceConnector"]
