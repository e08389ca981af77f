"""Mappings made in a test, and one record read with them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from syncd.connector import Record
from syncd.located import parse_toml
from syncd.mapping import Mapping, ReadContext, mapping_of

ROOT = Path(__file__).parent.parent

SOQL: dict[str, Any] = {
    "id_field": "Id",
    "user": {
        "object": "User",
        "fields": {"id": "Id", "name": "Name", "email": "Email", "manager": "ManagerId"},
    },
    "writes": {
        "task": {
            "object": "Task",
            "account": "WhatId",
            "owner": "OwnerId",
            "subject": "Subject",
            "body": "Description",
            "due": "ActivityDate",
            "priority": {
                "field": "Priority",
                "values": {"low": "Low", "normal": "Normal", "high": "High"},
            },
            "status": {
                "field": "Status",
                "values": {"open": "Not Started", "completed": "Completed"},
            },
        }
    },
}

FILTERS: dict[str, Any] = {
    "id_field": "",
    "user": {"object": "owners", "fields": {"id": "id", "email": "email"}},
    "writes": {
        "task": {
            "object": "tasks",
            "account": {"association": "companies"},
            "owner": "hubspot_owner_id",
            "subject": "hs_task_subject",
            "body": {"field": "hs_task_body", "as": "html_text"},
            "due": {"field": "hs_timestamp", "as": "date"},
            "status": {
                "field": "hs_task_status",
                "values": {"open": "NOT_STARTED", "completed": "COMPLETED"},
            },
        }
    },
}

EUR = ReadContext("USD", {"EUR": Decimal("1.08"), "USD": Decimal(1)}, "USD")

ACCOUNT = 'version = 1\n[account]\nobject = "Account"\n'


def made(text: str, defaults: dict[str, Any] | None = None, zone: str = "UTC") -> Mapping:
    located = parse_toml(text.encode(), "m.toml")
    return mapping_of(
        located,
        connection="sf",
        defaults=SOQL if defaults is None else defaults,
        timezone=ZoneInfo(zone),
    )


def one(mapping: Mapping, source: str, **fields: Any) -> Any:
    (item,) = mapping.read(source, Record("001", fields), EUR)
    return item


CONTRACT = (
    ACCOUNT
    + """
[contract]
object = "Contract"
value_is = "{is_}"
[contract.fields]
account = "AccountId"
status = {{ field = "Status", values = {{ Activated = "active", Draft = "draft" }} }}
start_date = "StartDate"
end_date = "EndDate"
term_months = "ContractTerm"
value = "Value__c"
arr = "ARR__c"
currency = "CurrencyIsoCode"
"""
)

WRITES = (
    ACCOUNT
    + """
[account.fields]
name = "Name"
[writes.account]
renewal_date = "Syncd_Renewal_Date__c"
tier = { field = "Syncd_Tier__c", values = { strategic = "Tier 1", growth = "Tier 2" } }
tier_reason = "Syncd_Tier_Reason__c"
arr = "Syncd_ARR__c"
key_account = { field = "Syncd_Key_Account__c", values = { true = "Yes", false = "No" } }
single_threaded = "Syncd_Single__c"
health_score = { field = "Syncd_Health__c", as = "percent" }
handoff_missing = { field = "Syncd_Missing__c", as = "html_text" }
next_qbr_due = { field = "Syncd_QBR__c", as = "text" }
synced_at = "Syncd_At__c"
[writes.task]
key = "Syncd_Key__c"
playbook = "Syncd_Playbook__c"
"""
)
