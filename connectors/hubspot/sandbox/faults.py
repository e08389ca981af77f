"""What HubSpot and the networks before it answer on a bad day, by name."""

from __future__ import annotations

from connectors.sandbox.faults import Answer, Fault, Faults, answer_json, answer_page

__all__ = ["ANSWERS", "Fault", "Faults"]


def _refusal(
    status: int, message: str, headers: dict[str, str] | None = None, **more: str
) -> Answer:
    body = {"status": "error", "message": message, "correlationId": "fault", **more}
    return answer_json(status, body, headers)


def _limit(name: str, policy: str, headers: dict[str, str] | None = None) -> Answer:
    return _refusal(
        429,
        f"You have reached your {name} limit.",
        headers,
        errorType="RATE_LIMIT",
        policyName=policy,
        groupName="publicapi:private-apps",
    )


ANSWERS: dict[str, Answer] = {
    "rate_limit": _limit("ten_secondly_rolling", "TEN_SECONDLY_ROLLING"),
    "rate_limit_wait": _limit("ten_secondly_rolling", "TEN_SECONDLY_ROLLING", {"Retry-After": "1"}),
    "search_rate_limit": _limit("secondly", "SECONDLY"),
    "daily_limit": _limit("daily", "DAILY"),
    "rate_limit_500": _refusal(
        500, "You have reached your secondly limit.", category="RATE_LIMITS"
    ),
    "error_500": _refusal(500, "internal error"),
    "html_502": answer_page(502, "502 Bad Gateway"),
    "gateway_504": answer_page(504, "504 Gateway Time-out"),
    "locked_423": _refusal(423, "The resource is locked"),
    "migration_477": _refusal(477, "Migration in progress", {"Retry-After": "1"}),
    "unauthorized": _refusal(
        401, "Authentication credentials not found.", category="INVALID_AUTHENTICATION"
    ),
    "malformed_token_530": Answer(530, b"error code: 1016", media="text/plain"),
    "html_200": answer_page(200, "Sign in to the network"),
}
