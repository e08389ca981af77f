"""Several requests in one: composite, batch, graph."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from connectors.salesforce.sandbox.api import Api, Reply, Request
from connectors.salesforce.sandbox.batches import transaction
from connectors.salesforce.sandbox.errors import RequestError

MAX_SUBREQUESTS = 25
MAX_QUERIES = 5
MAX_GRAPHS = 75
MAX_NODES = 500
OK_END = 300
HALTED = "The transaction was rolled back since another operation in the same transaction failed."
_REFERENCE = re.compile(r"@\{(\w+)((?:\.\w+|\[\d+\])*)\}")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")


class _UnresolvedError(Exception):
    """A reference to what an earlier subrequest did not answer."""


def _resolve(value: Any, answers: dict[str, Any]) -> Any:
    """`value` with each ``@{ref.field}`` replaced. Raises _UnresolvedError."""
    if isinstance(value, dict):
        return {key: _resolve(each, answers) for key, each in value.items()}
    if isinstance(value, list):
        return [_resolve(each, answers) for each in value]
    if not isinstance(value, str):
        return value

    def one(found: re.Match[str]) -> str:
        at: Any = answers.get(found.group(1))
        for name, place in _STEP.findall(found.group(2)):
            try:
                at = at[int(place)] if place else at[name]
            except (KeyError, IndexError, TypeError):
                raise _UnresolvedError(found.group(0)) from None
        if at is None:
            raise _UnresolvedError(found.group(0))
        return str(at)

    return _REFERENCE.sub(one, value)


def _checked(requests: Any, most: int) -> list[dict[str, Any]]:
    if not isinstance(requests, list):
        raise RequestError(400, "JSON_PARSER_ERROR", "The list of subrequests is missing.")
    if len(requests) > most:
        raise RequestError(
            400,
            "INVALID_INPUT",
            f"The request can't contain more than {most} operations.",
        )
    _check_addressed(requests)
    names = [one.get("referenceId") for one in requests]
    if len(set(names)) != len(names):
        raise RequestError(400, "INVALID_INPUT", "Provided referenceId is not unique.")
    return requests


def _check_addressed(requests: list[Any]) -> None:
    """Refuse subrequests that do not say what they ask for. Raises RequestError."""
    for one in requests:
        if not isinstance(one, dict) or not isinstance(one.get("url"), str):
            raise RequestError(
                400, "JSON_PARSER_ERROR", "Each subrequest must be an object with a url."
            )


def _entry(reply: Reply, reference: str) -> dict[str, Any]:
    headers = {key: value for key, value in reply.headers.items() if key == "Location"}
    return {
        "body": reply.body,
        "httpHeaders": headers,
        "httpStatusCode": reply.status,
        "referenceId": reference,
    }


def _run(
    api: Api, request: Request, subrequests: list[dict[str, Any]], *, all_or_none: bool
) -> tuple[list[dict[str, Any]], bool, int]:
    """Answer each; entries, whether all went well, rows."""
    answers: dict[str, Any] = {}
    entries: list[dict[str, Any]] = []
    rows = 0
    with transaction(api.org) if all_or_none else _lasting() as roll_back:
        for one in subrequests:
            try:
                url = _resolve(str(one["url"]), answers)
                body = _resolve(one.get("body"), answers)
            except _UnresolvedError as error:
                reply = Reply(
                    [
                        {
                            "errorCode": "PROCESSING_HALTED",
                            "message": f"Invalid reference specified. No value for {error} found.",
                        }
                    ],
                    400,
                )
            else:
                reply = api.within(request, str(one.get("method", "GET")), url, body)
            rows += reply.rows
            entries.append(_entry(reply, str(one.get("referenceId"))))
            if reply.status < OK_END:
                answers[str(one.get("referenceId"))] = reply.body
            elif all_or_none:
                roll_back()
                return _halted(entries, subrequests), False, 0
    return entries, all(one["httpStatusCode"] < OK_END for one in entries), rows


@contextmanager
def _lasting() -> Iterator[Callable[[], None]]:
    """In a transaction's place where each subrequest stands for itself."""
    yield lambda: None


def _halted(
    entries: list[dict[str, Any]], subrequests: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    halted = [{"errorCode": "PROCESSING_HALTED", "message": HALTED}]
    made = []
    for place, one in enumerate(subrequests):
        if place == len(entries) - 1:
            made.append(entries[place])
        else:
            made.append(_entry(Reply(halted, 400), str(one.get("referenceId"))))
    return made


def composite(api: Api, request: Request) -> Reply:
    """``POST composite``: up to 25 subrequests, later ones may refer to earlier answers."""
    body = request.object()
    subrequests = _checked(body.get("compositeRequest"), MAX_SUBREQUESTS)
    queries = sum("/query" in str(one.get("url")) for one in subrequests)
    if queries > MAX_QUERIES:
        raise RequestError(
            400, "INVALID_INPUT", f"The request can't contain more than {MAX_QUERIES} queries."
        )
    entries, _, rows = _run(
        api, request, subrequests, all_or_none=bool(body.get("allOrNone", False))
    )
    return Reply({"compositeResponse": entries}, rows=rows)


def batch(api: Api, request: Request) -> Reply:
    """``POST composite/batch``: up to 25 independent subrequests, each counted."""
    body = request.object()
    subrequests = body.get("batchRequests")
    if not isinstance(subrequests, list) or len(subrequests) > MAX_SUBREQUESTS:
        raise RequestError(
            400, "INVALID_INPUT", f"batchRequests must be a list of at most {MAX_SUBREQUESTS}."
        )
    _check_addressed(subrequests)
    results: list[dict[str, Any]] = []
    failed = False
    rows = 0
    for one in subrequests:
        if failed and body.get("haltOnError"):
            halted = [
                {
                    "errorCode": "BATCH_PROCESSING_HALTED",
                    "message": "Batch processing halted per request",
                }
            ]
            results.append({"statusCode": 412, "result": halted})
            continue
        api.used += 1
        reply = api.within(
            request, str(one.get("method", "GET")), str(one["url"]), one.get("richInput")
        )
        rows += reply.rows
        failed = failed or reply.status >= OK_END
        results.append({"statusCode": reply.status, "result": reply.body})
    return Reply({"hasErrors": failed, "results": results}, rows=rows)


def graph(api: Api, request: Request) -> Reply:
    """``POST composite/graph``: each graph is all or nothing."""
    graphs = request.object().get("graphs")
    if not isinstance(graphs, list) or len(graphs) > MAX_GRAPHS:
        raise RequestError(400, "INVALID_INPUT", f"graphs must be a list of at most {MAX_GRAPHS}.")
    made = []
    rows = 0
    for one in graphs:
        if not isinstance(one, dict):
            raise RequestError(400, "JSON_PARSER_ERROR", "Each graph must be an object.")
        subrequests = _checked(one.get("compositeRequest"), MAX_NODES)
        entries, well, count = _run(api, request, subrequests, all_or_none=True)
        rows += count
        made.append(
            {
                "graphId": one.get("graphId"),
                "graphResponse": {"compositeResponse": entries},
                "isSuccessful": well,
            }
        )
    return Reply({"graphs": made}, rows=rows)


ROUTES = (
    ("POST", "composite", composite),
    ("POST", "composite/batch", batch),
    ("POST", "composite/graph", graph),
)
