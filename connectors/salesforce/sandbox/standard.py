"""The org's schema at the start: standard objects, and what this customer had added to them."""

from __future__ import annotations

from connectors.salesforce.sandbox import customer, standard_sales, standard_setup, standard_work
from connectors.salesforce.sandbox.schema import SYSTEM_FIELDS, Field, SObject, parse_field
from connectors.salesforce.sandbox.schema import parse_object as _parse

_OBJECTS: tuple[tuple[str, str], ...] = (
    ("Account:001:Account:Accounts:CUDQRTHM", standard_sales.ACCOUNT),
    ("Contact:003:Contact:Contacts:CUDQRTHM", standard_sales.CONTACT),
    ("Opportunity:006:Opportunity:Opportunities:CUDQRTH", standard_sales.OPPORTUNITY),
    (
        "OpportunityContactRole:00K:Opportunity Contact Role:Opportunity Contact Role:CUDQRT",
        standard_sales.OPPORTUNITY_CONTACT_ROLE,
    ),
    ("Contract:800:Contract:Contracts:CUDQRTH", standard_sales.CONTRACT),
    ("Case:500:Case:Cases:CUDQRTH", standard_work.CASE),
    ("Task:00T:Task:Tasks:CUDQRTH", standard_work.TASK),
    ("Event:00U:Event:Events:CUDQRTH", standard_work.EVENT),
    ("Asset:02i:Asset:Assets:CUDQRTH", standard_work.ASSET),
    ("User:005:User:Users:CUQRT", standard_setup.USER),
    ("Group:00G:Group:Groups:CUDQR", standard_setup.GROUP),
    ("Profile:00e:Profile:Profiles:UQ", standard_setup.PROFILE),
    ("PermissionSet:0PS:Permission Set:Permission Sets:CUDQ", standard_setup.PERMISSION_SET),
    (
        "PermissionSetAssignment:0Pa:Permission Set Assignment:Permission Set Assignments:CDQ",
        standard_setup.PERMISSION_SET_ASSIGNMENT,
    ),
    (
        "FieldPermissions:01k:Field Permissions:Field Permissions:CUDQ",
        standard_setup.FIELD_PERMISSIONS,
    ),
    (
        "ObjectPermissions:110:Object Permissions:Object Permissions:CUDQ",
        standard_setup.OBJECT_PERMISSIONS,
    ),
    ("RecordType:012:Record Type:Record Types:CUQR", standard_setup.RECORD_TYPE),
    ("UserRole:00E:Role:Role:CUDQR", standard_setup.USER_ROLE),
    ("Organization:00D:Organization:Organizations:UQR", standard_setup.ORGANIZATION),
    (
        "OpportunityStage:01J:Opportunity Stage:Opportunity Stage:QR",
        standard_setup.OPPORTUNITY_STAGE,
    ),
    ("DuplicateRule:0Bm:Duplicate Rule:Duplicate Rules:Q", standard_setup.DUPLICATE_RULE),
    ("TaskStatus:01T:Task Status Value:Task Status Value:QR", standard_setup.TASK_STATUS),
)
CURRENCY_TYPE = ("CurrencyType:01L:Currency Type:Currency Types:CUQ", standard_setup.CURRENCY_TYPE)
SETUP = frozenset(
    {
        "User",
        "Group",
        "Profile",
        "PermissionSet",
        "PermissionSetAssignment",
        "FieldPermissions",
        "ObjectPermissions",
        "RecordType",
        "UserRole",
        "Organization",
        "OpportunityStage",
        "TaskStatus",
        "CurrencyType",
    }
)
NEVER_DELETED = SETUP


def complete(made: SObject) -> SObject:
    """The object with Id, IsDeleted and the audit fields around its own."""
    whole = SObject(made.name, made.prefix, made.label, made.plural, flags=made.flags)
    whole.add(Field(name="Id", type="id", length=18, flags="DFSGLA", label=f"{made.label} ID"))
    if made.name not in NEVER_DELETED:
        whole.add(parse_field("IsDeleted:boolean::DFSG:Deleted"))
    for one in made.fields.values():
        whole.add(one)
    for line in SYSTEM_FIELDS.strip().splitlines():
        whole.add(parse_field(line))
    if "T" in made.flags:
        for name in ("Viewed", "Referenced"):
            whole.add(parse_field(f"Last{name}Date:datetime::NFSA:Last {name} Date"))
    return whole


def parse_standard(header: str, body: str) -> SObject:
    """A whole object from its notation."""
    return complete(_parse(header, body))


def standard_objects() -> dict[str, SObject]:
    """A new org's objects by name, the customer's own fields and objects included."""
    objects = {
        made.name: made for made in (parse_standard(header, body) for header, body in _OBJECTS)
    }
    customer.extend(objects, complete)
    return objects
