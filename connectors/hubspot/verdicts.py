"""What an answer of HubSpot's means: a JSON object, or one of syncd's errors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import NoReturn

from connectors.hubspot import answers
from connectors.hubspot.answers import Answer
from connectors.hubspot.scopes import remedy
from connectors.hubspot.session import Reply
from syncd.errors import (
    AccessError,
    AllowanceError,
    LoginError,
    RequestError,
    TransientError,
    UnreachableError,
)

_RATE_WAITS = {"SECONDLY": 1.0, "TEN_SECONDLY_ROLLING": 10.0}
_POLICIES = {  # what answers without a policyName say in words
    "daily limit": "DAILY",
    "ten_secondly_rolling limit": "TEN_SECONDLY_ROLLING",
    "secondly limit": "SECONDLY",
}
_LOCKED_SECONDS = 2.0
_MIGRATING = 477  # the portal moves between data centres; Retry-After says until when
_MALFORMED_TOKEN = 530
_RATE_LIMIT_CATEGORIES = ("RATE_LIMIT", "RATE_LIMITS")


class RefusedError(RequestError):
    """HubSpot refused a request for good; `complaint` is what it says about it."""

    def __init__(self, text: str, *, status: int, complaint: answers.Complaint) -> None:
        """Keep HubSpot's words beside the text."""
        super().__init__(text, code=complaint.code, status=status)
        self.complaint = complaint


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Judges answers. `conceal` takes secrets out of a text; `renewable`: the login is OAuth's."""

    conceal: Callable[[str], str]
    renewable: bool

    def on(
        self, reply: Reply, *, wrote: bool, listed: bool = False, bears: tuple[str, ...] = ()
    ) -> Answer:
        """The answer's JSON object. `listed`: it must bear ``results``, each with what it `bears`.

        Raises TransientError, LoginError, AllowanceError, AccessError or RefusedError.
        """
        answer = answers.parse(reply.content)
        if HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
            flaw = _flaw(reply, answer, wrote=wrote, listed=listed, bears=bears)
            if answer is None or flaw:
                raise TransientError(
                    self._words(reply, answer, flaw), applied=None if wrote else False
                )
            return answer
        category = str((answer or {}).get("category") or (answer or {}).get("errorType") or "")
        text = self._words(reply, answer, category)
        broken = reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        limited = broken and category in _RATE_LIMIT_CATEGORIES  # search has answered so
        if limited or reply.status == HTTPStatus.TOO_MANY_REQUESTS:
            self._judge_limit(reply, answer or {}, text)
        if reply.status in (HTTPStatus.LOCKED, _MIGRATING):
            named = _seconds(reply)
            wait = _LOCKED_SECONDS if named is None else named
            raise TransientError(text, retry_after=wait, applied=False)
        if reply.status == _MALFORMED_TOKEN:
            raise LoginError(f"HubSpot refused the login. Is the access token complete? {text}")
        if broken or reply.status == HTTPStatus.REQUEST_TIMEOUT:
            applied = None if wrote else False
            raise TransientError(text, retry_after=_seconds(reply), applied=applied)
        if reply.status == HTTPStatus.UNAUTHORIZED:
            check = (
                "Check client_id, client_secret and refresh_token: the app may be uninstalled."
                if self.renewable
                else "Check auth.access_token: it may be revoked, rotated or of another app."
            )
            raise LoginError(f"HubSpot refused the login. {check} {text}")
        raise self._refusal(reply, answer or {}, text)

    def _judge_limit(self, reply: Reply, answer: Answer, text: str) -> NoReturn:
        message = str(answer.get("message") or "").lower()
        said = next((policy for words, policy in _POLICIES.items() if words in message), "")
        policy = str(answer.get("policyName") or "") or said
        if "DAILY" in (policy, said):
            raise AllowanceError(f"HubSpot's API calls of today are used up. {text}")
        wait = _seconds(reply)
        if wait is None:
            wait = _RATE_WAITS.get(policy)
        raise TransientError(text, retry_after=wait, applied=False)

    def _refusal(self, reply: Reply, answer: Answer, text: str) -> Exception:
        words = answers.complaint(answer)
        scopes = answers.scopes(answer)
        if reply.status == HTTPStatus.FORBIDDEN or words.code == "MISSING_SCOPES" or scopes:
            missing = f"The scope {', '.join(scopes)} is missing. " if scopes else ""
            return AccessError(
                f"{missing}{text}", remedy=remedy(scopes), code=words.code or "FORBIDDEN"
            )
        if "unable to infer object type" in str(answer.get("message") or "").lower():
            return AccessError(text, remedy="Check the object's name.", code="UNKNOWN_OBJECT")
        if HTTPStatus.MULTIPLE_CHOICES <= reply.status < HTTPStatus.BAD_REQUEST:
            raise UnreachableError(
                f"HubSpot points elsewhere, which is not followed; check base_url. {text}"
            )
        return RefusedError(text, status=reply.status, complaint=words)

    def _words(self, reply: Reply, answer: Answer | None, category: str) -> str:
        said = (
            answers.page_text(reply.content)
            if answer is None
            else answers.complaint(answer).message
        )
        correlation = reply.headers.get("x-hubspot-correlation-id") or str(
            (answer or {}).get("correlationId") or ""
        )
        marks = [f"HTTP {reply.status}", category]
        if correlation:
            marks.append(f"correlation id {correlation}")
        return self.conceal(f"HubSpot: {said or 'no message'} ({', '.join(m for m in marks if m)})")


def _flaw(
    reply: Reply, answer: Answer | None, *, wrote: bool, listed: bool, bears: tuple[str, ...]
) -> str:
    """Why an answer of success is none; empty where it is one.

    204 may answer a write. Nothing that is read has no content: an empty list has ``results``.
    """
    if answer is None:
        return "an answer that is no JSON"
    if wrote and reply.status == HTTPStatus.NO_CONTENT:
        return ""
    if not reply.content.strip():
        return "an empty answer"
    if listed and not isinstance(answer.get("results"), list) and not answers.errors(answer):
        return "an answer without results"
    for row in answer.get("results") or () if listed else ():
        lacks = [name for name in bears if not isinstance(row, dict) or row.get(name) is None]
        if lacks or not isinstance(row, dict):
            return f"an answer with results without {' and '.join(lacks) or 'content'}"
    return ""


def _seconds(reply: Reply) -> float | None:
    """What Retry-After asks for: seconds, or a date by the server's own clock."""
    text = reply.headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        at = parsedate_to_datetime(text)
        now = parsedate_to_datetime(reply.headers["date"])
    except (KeyError, TypeError, ValueError):
        return None
    return max(0.0, (at.astimezone(UTC) - now.astimezone(UTC)).total_seconds())
