"""HubSpot's error bodies, with the codes and texts that its API was seen to give."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from msgspec import Struct

from connectors.sandbox.stumble import stumbled

SCOPES_PAGE = "https://developers.hubspot.com/scopes"


class ApiError(Exception):
    """A refused call: its status, body and further headers."""

    def __init__(
        self,
        status: int,
        message: str,
        category: str | None = "VALIDATION_ERROR",
        *,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        """`more` are further keys of the body, such as subCategory, context and errors."""
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})
        self.body: dict[str, Any] = {
            "status": "error",
            "message": message,
            "correlationId": str(uuid.uuid4()),
            **more,
        }
        if category is not None:
            self.body["category"] = category

    def entry(self, **context: list[str]) -> dict[str, Any]:
        """The same as an entry of ``errors`` in a 207 answer."""
        kept = {"status": "error", "category": self.body.get("category", "VALIDATION_ERROR")}
        if "subCategory" in self.body:
            kept["subCategory"] = self.body["subCategory"]
        kept["message"] = self.message
        both = {**context, **self.body.get("context", {})}
        return {**kept, "context": both} if both else kept


class Problem(Struct, frozen=True):
    """A value that a property does not take."""

    property: str
    code: str
    message: str


class PropertyError(ApiError):
    """400 "Property values were not valid", with one entry for each problem."""

    def __init__(self, problems: Iterable[Problem], portal_id: int) -> None:
        """Keep the problems, so that those of a batch can be put together."""
        self.problems = list(problems)
        told = [
            {
                "isValid": False,
                "message": problem.message,
                "error": problem.code,
                "name": problem.property,
                "localizedErrorMessage": problem.message,
                "portalId": portal_id,
            }
            for problem in self.problems
        ]
        super().__init__(
            400,
            f"Property values were not valid: {msgspec.json.encode(told).decode()}",
            errors=[
                {
                    "message": problem.message,
                    "code": problem.code,
                    "context": {"propertyName": [problem.property]},
                }
                for problem in self.problems
            ],
        )


def not_found() -> ApiError:
    """404 for a numeric id, or a name, that does not exist."""
    return ApiError(404, "resource not found", None)


def no_object(key: str) -> ApiError:
    """404 for a record: numeric ids and others are told differently."""
    if key.isdecimal():
        return not_found()
    return ApiError(404, "Object not found.  objectId are usually numeric.", "OBJECT_NOT_FOUND")


def unknown_type(name: str) -> ApiError:
    """400 for an object type that the portal does not have."""
    return ApiError(400, f"Unable to infer object type from: {name}", None)


def bad_input(text: str) -> ApiError:
    """400 for a body or a parameter of the wrong form."""
    return ApiError(400, f"Invalid input JSON: {text}")


def unreadable(body: bytes, error: msgspec.DecodeError | UnicodeDecodeError) -> ApiError:
    """400 for a body that is no JSON, with the place where the reader stumbled."""
    told, line, column = stumbled(body, error)
    return ApiError(400, f"Invalid input JSON on line {line}, column {column}: {told}")


def refused(status: int) -> ApiError:
    """A call that no endpoint takes, or takes in this form."""
    return ApiError(status, f"HTTP {status} {HTTPStatus(status).phrase}", None)


def missing_scopes(*scopes: str) -> ApiError:
    """403 for a token that lacks a scope."""
    return ApiError(
        403,
        "This app hasn't been granted all required scopes to make this call. "
        f"Read more about required scopes here: {SCOPES_PAGE}.",
        "MISSING_SCOPES",
        errors=[
            {
                "message": "One or more of the following scopes are required.",
                "context": {"requiredGranularScopes": list(scopes)},
            }
        ],
        links={"scopes": SCOPES_PAGE},
    )
