"""The refusals of the Salesforce API: whole requests and single rows.

Codes and texts are those that the API sends; the shapes are described at
https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm
"""

from __future__ import annotations

from typing import Any

import msgspec

from connectors.sandbox.stumble import stumbled

NOT_FOUND = "The requested resource does not exist"
UNFORESEEN = (
    "An unexpected error occurred. Please include this ErrorId if you contact support: "
    "1795000000-00000 (0)"
)
GUIDANCE = "Please reference your WSDL or the describe call for the appropriate names."


class RequestError(Exception):
    """A request refused as a whole: an HTTP status and a JSON array, mostly of one element."""

    def __init__(self, status: int, code: str, message: str, **more: Any) -> None:
        """`more` is added to the body, such as ``fields``."""
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.more = more
        self.others: list[dict[str, Any]] = []

    def body(self) -> list[dict[str, Any]]:
        """The JSON body; a 404's has its keys in the order that the API uses."""
        if self.code == "NOT_FOUND":
            return [{"errorCode": self.code, "message": self.message, **self.more}]
        first = {"message": self.message, "errorCode": self.code, **self.more}
        return [first, *self.others]


class RowError(Exception):
    """One row refused; its neighbours are not concerned."""

    def __init__(self, code: str, message: str, fields: tuple[str, ...] | list[str] = ()) -> None:
        """`fields` are API names."""
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.fields = list(fields)
        self.others: list[RowError] = []

    def with_others(self, others: list[RowError]) -> RowError:
        """This refusal with others of the same row, told after it."""
        self.others = others
        return self

    def entries(self) -> list[dict[str, Any]]:
        """The ``errors`` of the row in a collection's answer."""
        return [one.entry() for one in (self, *self.others)]

    def entry(self) -> dict[str, Any]:
        """The element of ``errors`` in a collection's answer."""
        return {"statusCode": self.code, "message": self.message, "fields": self.fields}

    def request(self, base: str) -> RequestError:
        """The same refusal as the answer to a request about one row; `base` begins its URLs."""
        del base
        status = 404 if self.code in {"ENTITY_IS_DELETED", "NOT_FOUND"} else 400
        made = RequestError(status, self.code, self.message, fields=self.fields)
        made.others = [other.alone() for other in self.others]
        return made

    def alone(self) -> dict[str, Any]:
        """The element of the answer's array."""
        return {"message": self.message, "errorCode": self.code, "fields": self.fields}


class DuplicateError(RowError):
    """A row that a duplicate rule takes for another: the answer names the rows that it is like."""

    def __init__(self, message: str, rule: str, kind: str, ids: list[str], *, alerts: bool) -> None:
        """`rule` and `kind` are API names; `alerts`: saved all the same where the client asks."""
        super().__init__("DUPLICATES_DETECTED", message)
        self.rule = rule
        self.kind = kind
        self.ids = ids
        self.alerts = alerts

    def request(self, base: str) -> RequestError:
        """With the rule and what it found; a collection's answer has neither."""
        found = [
            {
                "additionalInformation": [],
                "fieldDiffs": [],
                "matchConfidence": 100.0,
                "record": {
                    "attributes": {
                        "type": self.kind,
                        "url": f"{base}/sobjects/{self.kind}/{key}",
                    },
                    "Id": key,
                },
            }
            for key in self.ids
        ]
        match = {
            "entityType": self.kind,
            "errors": [],
            "matchEngine": "ExactMatchEngine",
            "matchRecords": found,
            "rule": f"{self.rule}_Match",
            "size": len(found),
            "success": True,
        }
        told = {
            "allowSave": self.alerts,
            "duplicateRule": self.rule,
            "duplicateRuleEntityType": self.kind,
            "errorMessage": self.message,
            "matchResults": [match],
        }
        return RequestError(400, self.code, self.message, duplicateResult=told)


class JsonTypeError(RequestError):
    """A value whose JSON type or text cannot become the field's type: the whole request fails."""

    def __init__(self, kind: str, token: str, value: object, field: str) -> None:
        """`field` is the API name, from which the answer's column is found."""
        super().__init__(
            400,
            "JSON_PARSER_ERROR",
            f"Cannot deserialize instance of {kind} from {token} value {_shown(value)} or request "
            "may be missing a required field at [line:1, column:{column}]",
        )
        self.field = field

    def located(self, body: bytes) -> RequestError:
        """With the column of the field's name in `body` filled in."""
        column = body.find(f'"{self.field}"'.encode()) + 1
        return RequestError(400, self.code, self.message.replace("{column}", str(max(column, 1))))


def _shown(value: object) -> str:
    """A JSON value as the parser tells of it: a list or an object by its first character."""
    if isinstance(value, str):
        return value
    text = msgspec.json.encode(value).decode()
    return text[0] if isinstance(value, dict | list) else text


def unreadable(body: bytes, error: msgspec.DecodeError) -> RequestError:
    """The answer to a body that is no JSON, with the place where the reader stumbled."""
    told, line, column = stumbled(body, error)
    return RequestError(400, "JSON_PARSER_ERROR", f"{told} at [line:{line}, column:{column}]")


def not_found() -> RequestError:
    """The answer to a path or record that is not there."""
    return RequestError(404, "NOT_FOUND", NOT_FOUND)
