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
from connectors.hubspot.session import Query, Reply, Session
from connectors.hubspot.verdicts import RefusedError, Verdicts
from syncd.connector import Calls, broken_off
from syncd.errors import (
    AccessError,
    AllowanceError,
    RequestError,
    TransientError,
    UnreachableError,
)
from syncd.retry import ATTEMPTS, retrying

Kind = Literal["read", "write", "other"]

_NOT_SENT = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.ProxyError,
)
_TRIES_FOR_COMFORT = 2  # for what a run can do without


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


@contextmanager
def reading(object: str) -> Iterator[None]:
    """Like `about`; and an object whose records HubSpot refuses for good is out of sight."""
    with about(object):
        try:
            yield
        except RequestError as error:
            raise AccessError(
                f"{object} cannot be read. {error}",
                object=object,
                fields=error.complaint.fields if isinstance(error, RefusedError) else (),
                remedy=(
                    "Check the object's name and its filter (where) in the mapping, and that the "
                    "portal has this object."
                ),
                code=error.code or f"HTTP_{error.status or 400}",
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
        self._verdicts = Verdicts(conceal=session.conceal, renewable=session.renewable)
        self._told: tuple[datetime, float] | None = None

    def read(
        self, method: str, path: str, *, query: Query = (), body: Any = None, search: bool = False
    ) -> Answer:
        """A call that changes nothing, repeated until it is answered.

        Raises UnreachableError, LoginError, AllowanceError, AccessError or RefusedError.
        """
        return self._call("read", method, path, query=query, body=body, search=search)

    def rows(
        self,
        method: str,
        path: str,
        *,
        bears: tuple[str, ...],
        query: Query = (),
        body: Any = None,
        search: bool = False,
    ) -> Answer:
        """Like `read`, for lists: an answer that bears no ``results`` is none, not an empty one.

        Nor is one whose results lack what each of them `bears`.
        """
        return self._call(
            "read", method, path, query=query, body=body, search=search, listed=True, bears=bears
        )

    def other(
        self,
        method: str,
        path: str,
        *,
        listed: bool = True,
        free: bool = False,
        bears: tuple[str, ...] = (),
    ) -> Answer:
        """Like `rows`, for catalogues. `free`: even when the day's share is up."""
        return self._call("other", method, path, listed=listed, free=free, bears=bears)

    def comfort(
        self, method: str, path: str, *, query: Query = (), body: Any = None
    ) -> Answer | None:
        """An answer that is good to have; None where HubSpot will not or cannot give it.

        Raises LoginError and AllowanceError.
        """
        try:
            return self._call(
                "other", method, path, query=query, body=body, free=True, tries=_TRIES_FOR_COMFORT
            )
        except (RefusedError, AccessError, UnreachableError) as error:
            self.note("hubspot.unanswered", path=path, reason=str(error))
            return None

    def note(self, event: str, **facts: Any) -> None:
        """A line in the log, where there is one."""
        if self._log is not None:
            self._log.info(event, **facts)

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
        listed: bool = False,
        bears: tuple[str, ...] = (),
        tries: int = ATTEMPTS,
    ) -> Answer:
        def attempt() -> Answer:
            if not free:
                self._stop_at_share()
            self.limiter.wait(search=search)
            reply = self._send(kind, method, path, query, body)
            if reply.status == HTTPStatus.UNAUTHORIZED:
                # Once more: a token expires, and HubSpot is known to refuse a good one at times.
                self.session.expire()
                self.limiter.wait(search=search)
                reply = self._send(kind, method, path, query, body)
            return self._verdicts.on(reply, wrote=kind == "write", listed=listed, bears=bears)

        def on_wait(error: TransientError, seconds: float) -> None:
            self.note("hubspot.wait", path=path, seconds=round(seconds, 2), reason=str(error))

        safe = kind != "write" or repeatable
        return retrying(
            attempt,
            repeat=lambda e: safe or e.applied is False,
            on_wait=on_wait,
            attempts=tries,
        )

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
        if isinstance(reason, urllib3.exceptions.SSLError) and not broken_off(reason):
            raise UnreachableError(
                "HubSpot's certificate is not trusted. Behind a company proxy, name its "
                f"certificate authority in ca_file. ({self._clean(reason)})"
            ) from None
        sent = not isinstance(reason, _NOT_SENT)
        text = "the connection broke" if sent else "HubSpot cannot be reached"
        hint = "" if sent else ". Check the network, and HTTPS_PROXY where a proxy is in between"
        raise TransientError(
            f"{text}: {self._clean(reason)}{hint}", applied=None if sent and wrote else False
        ) from None

    def _clean(self, reason: object) -> str:
        return answers.shorten(self.session.conceal(str(reason)))
