"""SOQL: a grammar, a tree, and its evaluation over the org's rows.

The language is described at
https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/
"""

from connectors.salesforce.sandbox.soql.parse import parse
from connectors.salesforce.sandbox.soql.project import Result
from connectors.salesforce.sandbox.soql.run import Runner

__all__ = ["Result", "Runner", "parse"]
