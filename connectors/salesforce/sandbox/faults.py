"""What Salesforce and the networks before it answer on a bad day, by name."""

from __future__ import annotations

from connectors.sandbox.faults import Answer, answer_json, answer_page


def _refusal(status: int, code: str, message: str) -> Answer:
    return answer_json(status, [{"message": message, "errorCode": code}])


_LIMIT = "REQUEST_LIMIT_EXCEEDED"

ANSWERS: dict[str, Answer] = {
    "unavailable": _refusal(503, "SERVER_UNAVAILABLE", "Server temporarily unavailable"),
    "maintenance": answer_page(503, "Down for Maintenance"),
    "bad_gateway": answer_page(502, "502 Bad Gateway"),
    "error_500": _refusal(
        500,
        "UNKNOWN_EXCEPTION",
        "An unexpected error occurred. Please include this ErrorId if you contact support: 1-1 (1)",
    ),
    "throttled": _refusal(403, _LIMIT, "ConcurrentPerOrgLongTxn Limit exceeded."),
    "daily_limit": _refusal(403, _LIMIT, "TotalRequests Limit exceeded."),
    "query_timeout": _refusal(400, "QUERY_TIMEOUT", "Your query request was running for too long."),
    "lost_locator": _refusal(400, "INVALID_QUERY_LOCATOR", "invalid query locator"),
    "locked": _refusal(
        400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"
    ),
}
