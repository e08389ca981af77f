"""What the made-up customer's admins added: their own fields and an object for product usage."""

from __future__ import annotations

from collections.abc import Callable

from connectors.salesforce.sandbox.schema import Field, SObject, parse_field, parse_object

FORMER_CUSTOMER = "Former Customer"
OWN_ROLES = ("Champion", "Blocker")

_KIND_OF_ACTIVITY = (
    "Activity_Kind__c:picklist:255::Activity Kind:values=Meeting;Call;Email Received;Email Sent;QBR"
)
_FIELDS = {
    "Account": """
ARR__c:currency:18,2::ARR
Expansion_Potential__c:currency:18,2::Expansion Potential
Strategic__c:boolean:::Strategic:perm=1
CSM__c:reference:::Customer Success Manager:to=User:rel=CSM__r
Segment__c:picklist:255:CUNFSGAR:Segment:values=Enterprise;Mid-Market;SMB
Region__c:picklist:255::Region:values=North America;EMEA;APAC;LATAM
NPS__c:double:3,0::NPS
CSAT__c:double:4,2::CSAT
Seats__c:double:9,0::Seats
Executive_Sponsor__c:reference:::Executive Sponsor:to=User:rel=Executive_Sponsor__r
Plan_Overview__c:textarea:32768::Plan Overview
Plan_Health__c:textarea:32768::Plan Health Assessment
Plan_Goals__c:textarea:32768::Plan Goals
Plan_Actions__c:textarea:32768::Plan Actions
Plan_Metrics__c:textarea:32768::Plan Success Metrics
Plan_Updated__c:date:::Plan Updated
""",
    "Contact": """
Buying_Role__c:multipicklist:255::Buying Role:values=Champion;Economic Buyer;Evaluator;\
Business User;Executive Sponsor;Blocker
Left_Company__c:boolean:::Left Company:perm=1
""",
    "Task": _KIND_OF_ACTIVITY,
    "Event": _KIND_OF_ACTIVITY,
    "Opportunity": """
Pain_Points__c:textarea:32768::Pain Points
Promised_Outcomes__c:textarea:32768::Promised Outcomes
Champion__c:textarea:32768::Champion
Economic_Buyer__c:textarea:32768::Economic Buyer
Skeptics__c:textarea:32768::Skeptics
Contract_Terms__c:textarea:32768::Contract Terms
Discounts__c:textarea:32768::Discounts
Verbal_Commitments__c:textarea:32768::Verbal Commitments
Term_Months__c:double:3,0::Term (Months)
Service_Start_Date__c:date:::Service Start Date
""",
    "Contract": """
Value__c:currency:18,2::Contract Value
ARR__c:currency:18,2::ARR
Auto_Renew__c:boolean:::Auto-Renew:perm=1
Notice_Days__c:double:3,0::Notice (Days)
Renews__c:reference:::Renews:to=Contract:rel=Renews__r:child=Renewed_By__r
Terminated_On__c:date:::Terminated On
Opportunity__c:reference:::Opportunity:to=Opportunity:rel=Opportunity__r:child=Contracts__r
""",
}
_USAGE = (
    "Product_Usage__c:a00:Product Usage:Product Usage:CUDQRTH",
    """
OwnerId:reference::CUDFSGA:Owner ID:to=User:rel=Owner
Name:string:80:DFSGLAMP:Usage Number
Account__c:reference::CFSGA:Account:to=Account:rel=Account__r:child=Product_Usage__r
Period_Start__c:date:::Period Start
Active_Users__c:double:9,0::Active Users
Logins__c:double:9,0::Logins
Seats__c:double:9,0::Seats
API_Calls_Used__c:double:12,0::API Calls Used
API_Calls_Limit__c:double:12,0::API Calls Limit
""",
)


def own_field(line: str) -> Field:
    """A field of the customer's own, from its compact notation."""
    one = parse_field(line)
    one.custom = True
    return one


def extend(objects: dict[str, SObject], complete: Callable[[SObject], SObject]) -> None:
    """Add the customer's fields and object to the standard ones."""
    kinds = objects["Account"].fields["Type"]
    kinds.values = (*kinds.values, FORMER_CUSTOMER)
    roles = objects["OpportunityContactRole"].fields["Role"]
    roles.values = (*roles.values, *OWN_ROLES)
    for name, lines in _FIELDS.items():
        for line in lines.strip().splitlines():
            objects[name].add(own_field(line))
    usage = parse_object(*_USAGE)
    for one in usage.fields.values():
        one.custom = one.name.endswith("__c")
    objects[usage.name] = complete(usage)
