"""What the made-up customer's admins added to the portal: properties, options, a custom object.

Status: ``lifecyclestage`` is HubSpot's own and says opportunity or customer; its admins added
the stage ``churned``. Kind of deal: HubSpot's ``dealtype`` with ``renewal`` and ``other`` added.
"""

from __future__ import annotations

CHURNED = "churned"
USAGE_ID = "2-100001"
USAGE_NAME = "product_usage"

GROUP = ("customer_success", "Customer success")

OPTIONS = {
    ("companies", "lifecyclestage"): ((CHURNED, "Churned"),),
    ("contacts", "lifecyclestage"): ((CHURNED, "Churned"),),
    ("deals", "dealtype"): (("renewal", "Renewal"), ("other", "Other")),
}

PROPERTIES = {
    "companies": """
arr | money | ARR
expansion_potential | money | Expansion potential
strategic | bool | Strategic
csm | owner | Customer success manager
segment | choice | Segment | | enterprise, mid_market=Mid-market, smb=SMB
region | choice | Region | | emea=EMEA, americas=Americas, apac=APAC
billing_currency | choice | Billing currency | | USD, EUR, GBP, CHF, JPY, AUD, CAD, SEK, INR, \
SGD, BRL
nps | number | NPS
csat | number | CSAT
seats | number | Seats
executive_sponsor | text | Executive sponsor
renewal_date_override | date | Renewal date (manual)
tier_override | choice | Tier (manual) | | strategic, growth, maintenance
cross_sell | text | Asked about
plan_overview | textarea | Plan: overview
plan_health | textarea | Plan: health assessment
plan_goals | textarea | Plan: goals
plan_actions | textarea | Plan: actions
plan_metrics | textarea | Plan: success metrics
plan_updated | date | Plan: updated on
""",
    "contacts": """
left_company | bool | Has left the company
""",
    "deals": """
pain_points | textarea | Pain points
promised_outcomes | textarea | Promised outcomes
champion | textarea | Champion
economic_buyer | textarea | Economic buyer
skeptics | textarea | Skeptics
contract_terms | textarea | Contract terms
discounts | textarea | Discounts
verbal_commitments | textarea | Verbal commitments
term_months | number | Term (months)
service_start_date | date | Service start date
""",
    "tickets": """
escalated | bool | Escalated
""",
    "contracts": """
contract_value | money | Contract value
term_months | number | Term (months)
auto_renew | bool | Auto-renews
notice_days | number | Notice (days)
renews | text | Renews contract
terminated_on | date | Terminated on
""",
}

USAGE = """
period_start | date | Period start
usage_name | text | Name
active_users | number | Active users
logins | number | Logins
seats | number | Seats
api_calls_used | number | API calls used
api_calls_limit | number | API calls limit
"""
