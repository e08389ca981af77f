"""The one door to HubSpot: every call passes here, every error is turned here.

What comes out: a JSON object, or one of syncd's errors. urllib3's and the SDK's errors, HTML
pages of proxies, status codes and limits stay behind it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Literal, NoReturn

import urllib3

from connectors.hubspot import answers
from connectors.hubspot.answers import Answer
from connectors.hubspot.limiter import Limiter
from connectors.hubspot.scopes import remedy
from connectors.hubspot.session import Query, Reply, Session
from syncd.connector import Calls
from syncd.errors import (
    AccessError,
    AllowanceError,
    LoginError,
    RequestError,
    TransientError,
    UnreachableError,
)
from syncd.retry import retrying

Kind = Literal["read", "write", "other"]

_NOT_SENT = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.ProxyError,
)
_RATE_WAITS = {"SECONDLY": 1.0, "TEN_SECONDLY_ROLLING": 10.0}
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


@contextmanager
def about(object: str) -> Iterator[None]:
    """Name the object in an AccessError that leaves the block."""
    try:
        yield
    except AccessError as error:
        if error.object:
            raise
        raise AccessError(
            str(error), object=object, fields=error.fields, remedy=error.remedy, code=error.code
        ) from error


class Door:
    """Sends calls within the limits, repeats what may be repeated, counts each try."""

    def __init__(
        self,
        session: Session,
        limiter: Limiter,
        calls: Calls,
        *,
        log: Any = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Build over a session; contacts nothing."""
        self.session = session
        self.limiter = limiter
        self._calls = calls
        self._log = log
        self._clock = clock
        self._told: tuple[datetime, float] | None = None

    def read(
        self, method: str, path: str, *, query: Query = (), body: Any = None, search: bool = False
    ) -> Answer:
        """A call that changes nothing, repeated until it is answered.

        Raises UnreachableError, LoginError, AllowanceError, AccessError or RefusedError.
        """
        return self._call("read", method, path, query=query, body=body, search=search)

    def other(
        self, method: str, path: str, *, query: Query = (), body: Any = None, free: bool = False
    ) -> Answer:
        """Like `read`, for catalogues and limits. `free`: even when the day's share is up."""
        return self._call("other", method, path, query=query, body=body, free=free)

    def write(
        self, method: str, path: str, *, body: Any = None, repeatable: bool = False
    ) -> Answer:
        """A call that changes something; repeated only when HubSpot surely did nothing.

        Raises TransientError when the outcome is unknown. `repeatable`: harmless to do twice, so
        it is repeated even then.
        """
        return self._call("write", method, path, body=body, repeatable=repeatable)

    def server_time(self) -> datetime:
        """HubSpot's clock, from the last answer; at most a second behind, never ahead."""
        if self._told is None:
            return datetime.now(UTC)  # noqa: TID251 - a server without a Date header
        at, heard = self._told
        return at + timedelta(seconds=self._clock() - heard)

    def _call(
        self,
        kind: Kind,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: Any = None,
        search: bool = False,
        free: bool = False,
        repeatable: bool = False,
    ) -> Answer:
        once_more = True

        def attempt() -> Answer:
            nonlocal once_more
            if not free:
                self._stop_at_share()
            self.limiter.wait(search=search)
            reply = self._send(kind, method, path, query, body)
            if reply.status == HTTPStatus.UNAUTHORIZED and once_more:
                once_more = False  # HubSpot is known to refuse a good token now and then
                self.session.expire()
                self.limiter.wait(search=search)
                reply = self._send(kind, method, path, query, body)
            return self._judge(kind, reply)

        def on_wait(error: TransientError, seconds: float) -> None:
            if self._log is not None:
                self._log.info(
                    "hubspot.wait", path=path, seconds=round(seconds, 2), reason=str(error)
                )

        safe = kind != "write" or repeatable
        return retrying(attempt, repeat=lambda e: safe or e.applied is False, on_wait=on_wait)

    def _stop_at_share(self) -> None:
        allowance = self.limiter.allowance
        if allowance.left == 0:
            raise AllowanceError(
                f"HubSpot's API calls of today: {allowance.used} of {allowance.limit} are used, "
                f"and syncd may go up to {allowance.share:.0%}. It goes on after midnight of the "
                "portal; limits.daily_share in config.toml raises the share."
            )

    def _send(self, kind: Kind, method: str, path: str, query: Query, body: Any) -> Reply:
        setattr(self._calls, kind, getattr(self._calls, kind) + 1)
        try:
            reply = self.session.send(method, path, query=query, body=body)
        except urllib3.exceptions.HTTPError as error:
            self._judge_broken(error, wrote=kind == "write")
        self.limiter.heed(reply.headers)
        self._hear_clock(reply)
        return reply

    def _hear_clock(self, reply: Reply) -> None:
        try:
            told = parsedate_to_datetime(reply.headers["date"])
        except (KeyError, ValueError):
            return
        self._told = (told.astimezone(UTC), self._clock())

    def _judge_broken(self, error: Exception, *, wrote: bool) -> NoReturn:
        reason = getattr(error, "reason", None) or error
        if isinstance(reason, urllib3.exceptions.SSLError):
            raise UnreachableError(
                "HubSpot's certificate is not trusted. Behind a company proxy, name its "
                f"certificate authority in ca_file. ({self._clean(reason)})"
            ) from None
        sent = not isinstance(reason, _NOT_SENT)
        text = "the connection broke" if sent else "HubSpot cannot be reached"
        raise TransientError(
            f"{text}: {self._clean(reason)}", applied=None if sent and wrote else False
        ) from None

    def _clean(self, reason: object) -> str:
        return answers.shorten(self.session.conceal(str(reason)))

    def _judge(self, kind: Kind, reply: Reply) -> Answer:
        answer = answers.parse(reply.content)
        if HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
            if answer is None:
                raise TransientError(
                    self._words(reply, None, "an answer that is no JSON"),
                    applied=None if kind == "write" else False,
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
            applied = None if kind == "write" else False
            raise TransientError(text, retry_after=_seconds(reply), applied=applied)
        if reply.status == HTTPStatus.UNAUTHORIZED:
            raise LoginError(
                "HubSpot refused the login. Check auth.access_token: it may be revoked, rotated "
                f"or of another app. {text}"
            )
        raise self._refusal(reply, answer or {}, text)

    def _judge_limit(self, reply: Reply, answer: Answer, text: str) -> NoReturn:
        message = str(answer.get("message") or "").lower()
        policy = str(answer.get("policyName") or "")
        if policy == "DAILY" or "daily limit" in message:
            raise AllowanceError(f"HubSpot's API calls of today are used up. {text}")
        wait = _seconds(reply)
        if wait is None:
            wait = _RATE_WAITS.get("SECONDLY" if "your secondly limit" in message else policy)
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
            text = f"HubSpot points elsewhere, which is not followed; check base_url. {text}"
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
        return self.session.conceal(
            f"HubSpot: {said or 'no message'} ({', '.join(m for m in marks if m)})"
        )


def _seconds(reply: Reply) -> float | None:
    try:
        return max(0.0, float(reply.headers["retry-after"]))
    except (KeyError, ValueError):
        return None
