"""The object types of a portal: names, ids, scopes, and the properties shown unasked."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from connectors.hubspot.sandbox.errors import unknown_type

ACTIVITIES = ("tasks", "meetings", "calls", "emails", "notes")


class Kind(Struct):
    """An object type. `defaults` are the properties of a list that names none."""

    name: str
    id: str
    singular: str
    reads: str
    writes: str
    schemas: str
    defaults: tuple[str, ...] = ()
    created: str = "hs_createdate"
    modified: str = "hs_lastmodifieddate"
    display: str = ""
    stage: str = ""
    pipeline: str = ""
    required: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    identity: str = ""  # a property that finds a record without being declared unique
    read_only: bool = False
    custom: bool = False

    @property
    def always(self) -> tuple[str, str, str]:
        """What each answer bears."""
        return self.created, self.modified, "hs_object_id"

    @property
    def upper(self) -> str:
        """The name in error texts, such as ``CONTACT``."""
        return self.singular.upper()


def _kind(name: str, id: str, singular: str, scope: str = "", **more: Any) -> Kind:
    scope = scope or f"crm.objects.{name}"
    plain = scope.startswith("crm.objects.")
    settings: dict[str, Any] = {
        "name": name,
        "id": id,
        "singular": singular,
        "reads": f"{scope}.read" if plain else scope,
        "writes": f"{scope}.write" if plain else scope,
        "schemas": f"crm.schemas.{scope.rpartition('.')[2]}" if plain else scope,
        **more,
    }
    return Kind(**settings)


def _activity(name: str, id: str, singular: str, display: str) -> Kind:
    return _kind(
        name, id, singular, "crm.objects.contacts", display=display, required=("hs_timestamp",)
    )


def standard() -> dict[str, Kind]:
    """The object types that a new portal has, by id."""
    kinds = (
        _kind(
            "contacts",
            "0-1",
            "contact",
            defaults=("email", "firstname", "lastname"),
            created="createdate",
            modified="lastmodifieddate",
            display="email",
            one_of=("email", "firstname", "lastname"),
            identity="email",
        ),
        _kind(
            "companies",
            "0-2",
            "company",
            defaults=("domain", "name"),
            created="createdate",
            display="name",
            one_of=("name", "domain"),
        ),
        _kind(
            "deals",
            "0-3",
            "deal",
            defaults=("amount", "closedate", "dealname", "dealstage", "pipeline"),
            created="createdate",
            display="dealname",
            stage="dealstage",
            pipeline="pipeline",
        ),
        _kind(
            "tickets",
            "0-5",
            "ticket",
            "tickets",
            defaults=(
                "content",
                "hs_pipeline",
                "hs_pipeline_stage",
                "hs_ticket_category",
                "hs_ticket_priority",
                "subject",
            ),
            created="createdate",
            display="subject",
            stage="hs_pipeline_stage",
            pipeline="hs_pipeline",
            required=("hs_pipeline_stage",),
        ),
        _kind(
            "products",
            "0-7",
            "product",
            "e-commerce",
            defaults=("description", "name", "price"),
            created="createdate",
            display="name",
        ),
        _kind(
            "line_items",
            "0-8",
            "line_item",
            defaults=("amount", "hs_product_id", "quantity"),
            created="createdate",
            display="name",
        ),
        _activity("tasks", "0-27", "task", "hs_task_subject"),
        _activity("notes", "0-46", "note", "hs_note_body"),
        _activity("meetings", "0-47", "meeting_event", "hs_meeting_title"),
        _activity("calls", "0-48", "call", "hs_call_title"),
        _activity("emails", "0-49", "email", "hs_email_subject"),
        _activity("communications", "0-18", "communication", "hs_communication_body"),
        _activity("postal_mail", "0-116", "postal_mail", "hs_postal_mail_body"),
        _kind("quotes", "0-14", "quote", display="hs_title"),
        _kind("leads", "0-136", "lead", display="hs_lead_name"),
        _kind("deal_splits", "0-72", "deal_split", "crm.objects.deals", read_only=True),
        _kind("forms", "0-28", "form", "crm.objects.contacts", display="hs_name", read_only=True),
        _kind("goal_targets", "0-74", "goal_target", "crm.objects.goals", display="hs_goal_name"),
        _kind(
            "feedback_submissions",
            "0-19",
            "feedback_submission",
            display="hs_survey_name",
            read_only=True,
        ),
        _kind(
            "services",
            "0-162",
            "service",
            defaults=("hs_name", "hs_pipeline", "hs_pipeline_stage"),
            display="hs_name",
            stage="hs_pipeline_stage",
            pipeline="hs_pipeline",
        ),
        _kind(
            "contracts",
            "0-721",
            "contract",
            defaults=("hs_name", "hs_status"),
            display="hs_name",
            read_only=True,
        ),
    )
    return {kind.id: kind for kind in kinds}


class Kinds:
    """A portal's object types, found by any of their names."""

    def __init__(self, kinds: dict[str, Kind], portal_id: int) -> None:
        """`kinds` by id; `portal_id` is part of a custom type's full name."""
        self.by_id = kinds
        self._portal_id = portal_id
        self._names: dict[str, Kind] = {}
        for kind in kinds.values():
            self._learn(kind)

    def add(self, kind: Kind) -> None:
        """One more, a custom object."""
        self.by_id[kind.id] = kind
        self._learn(kind)

    def remove(self, kind: Kind) -> None:
        """A custom object is deleted."""
        del self.by_id[kind.id]
        self._names = {name: k for name, k in self._names.items() if k is not kind}

    def find(self, name: str) -> Kind:
        """By name, singular, id or full name. Raises ApiError (400) for anything else."""
        found = self._names.get(name) or self._names.get(name.lower())
        if found is None:
            raise unknown_type(name)
        return found

    def _learn(self, kind: Kind) -> None:
        names = [kind.name, kind.singular, kind.id, kind.singular.replace("_", "")]
        if kind.custom:
            names += [self.full_name(kind), self.full_name(kind).lower()]
        elif kind.name == "meetings":
            names.append("meeting")
        for name in names:
            self._names[name] = kind

    def full_name(self, kind: Kind) -> str:
        """``COMPANY``, or ``p123_product_usage`` for a custom object."""
        return f"p{self._portal_id}_{kind.singular}" if kind.custom else kind.upper
