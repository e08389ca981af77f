"""An emulated Salesforce org, true enough that clients of the real one work against it."""

from connectors.salesforce.sandbox.sandbox import SalesforceSandbox

__all__ = ["SalesforceSandbox"]
