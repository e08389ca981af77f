"""A logged-in session: one new login per expiry, retries, counted calls, what headers tell.

simple-salesforce never renews a session it was given, and forgets answers' headers; both are seen
to here.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, TypeAlias, TypeVar

import requests
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError, SalesforceExpiredSession
from simple_salesforce.util import exception_handler

from connectors.salesforce.auth import Token, log_in
from connectors.salesforce.client import Client, Wire, WireAdapter
from connectors.salesforce.door import sent_at, turned, wait_named
from connectors.salesforce.settings import SalesforceSettings
from syncd.connector import Allowance, Calls, tell_nobody
from syncd.errors import (
    AccessError,
    AllowanceError,
    LoginError,
    RequestError,
    TransientError,
)
from syncd.retry import ATTEMPTS, retrying

T = TypeVar("T")
Kind: TypeAlias = Literal["read", "write", "other"]

LOGIN_ATTEMPTS = 4
API_USAGE = re.compile(r"(?<!per-app-)api-usage=(\d+)/(\d+)")

_one_login_at_a_time = threading.Lock()


class Session:
    """The calls of one connection. Every method that calls may raise what a Connector may."""

    def __init__(
        self,
        settings: SalesforceSettings,
        calls: Calls,
        log: Any = None,
        conceal: Callable[[str], None] = tell_nobody,
    ) -> None:
        """Contact nothing yet. `calls` is counted up; `log` is a structlog logger or None.

        `conceal` is told each session's token.
        """
        self.settings = settings
        self.calls = calls
        self.log = log
        self._conceal = conceal
        self.wire = Wire(WireAdapter(settings.ca_file, settings.timeout_seconds))
        self.wire.hooks["response"].append(self._seen)
        self.token: Token | None = None
        self.used: int | None = None
        self.limit: int | None = None
        self.started_at: datetime | None = None
        self.absent: set[str] = set()
        self._silent = False
        self._retry_after: float | None = None
        self._kind: Kind = "other"
        self._client: Salesforce | None = None

    def log_in(self) -> Token:
        """Log in (again). Logins are made one at a time in the process.

        Raises LoginError, or UnreachableError after a few tries.
        """
        with _one_login_at_a_time:
            self._kind = "other"
            token = retrying(
                lambda: log_in(self.wire, self.settings),
                attempts=LOGIN_ATTEMPTS,
                on_wait=self._waiting,
            )
        self._conceal(token.access_token)
        self.token = token
        client = Client(
            instance_url=token.instance_url,
            session_id=token.access_token,
            session=self.wire,
            version=self.settings.api_version,
            parse_float=Decimal,
            object_pairs_hook=None,
        )
        client.headers.pop("X-PrettyPrint", None)
        if self.settings.allow_duplicates:
            client.headers["Sforce-Duplicate-Rule-Header"] = "allowSave=true"
        self._client = client
        return token

    def read(self, call: Callable[[Salesforce], T], *, attempts: int = ATTEMPTS) -> T:
        """Carry out a call that changes nothing, again after any passing failure."""
        self._within_allowance()
        return retrying(lambda: self._once("read", call), on_wait=self._waiting, attempts=attempts)

    def other(self, call: Callable[[Salesforce], T]) -> T:
        """As `read`, for describes and limits: made even when the allowance is used up."""
        return retrying(lambda: self._once("other", call), on_wait=self._waiting)

    def write(self, call: Callable[[Salesforce], T]) -> T:
        """Carry out a call that changes something; repeated only when surely nothing was done.

        Raises TransientError with `applied` None when nobody knows what became of it.
        """
        self._within_allowance()
        return retrying(
            lambda: self._once("write", call),
            repeat=lambda error: error.applied is False,
            on_wait=self._waiting,
        )

    def raw(self, client: Salesforce, method: str, path: str, **options: Any) -> requests.Response:
        """One request below ``/services/data/vNN.0/`` whose answer is no JSON (CSV, mostly).

        For use inside `read` or `write`; `options` are those of requests.
        """
        headers = {**client.headers, **options.pop("headers", {})}
        answer = self.wire.request(method, client.base_url + path, headers=headers, **options)
        if answer.status_code >= requests.codes.multiple_choices:
            exception_handler(answer, name=path)
        return answer

    def versions(self) -> list[str]:
        """The API versions that the org speaks, such as "66.0"; empty where it does not tell."""

        def ask(client: Salesforce) -> list[str]:
            address = f"https://{client.sf_instance}/services/data"
            answer = self.wire.get(address, headers=client.headers)
            if answer.status_code >= requests.codes.multiple_choices:
                exception_handler(answer, name="versions")
            told = answer.json()
            rows = told if isinstance(told, list) else []
            return [
                str(one["version"]) for one in rows if isinstance(one, dict) and "version" in one
            ]

        return self.other(ask)

    def user_id(self) -> str:
        """The id of the user that is logged in; empty where neither login nor userinfo tell."""
        if self.token is not None and self.token.user_id:
            return self.token.user_id

        def ask(client: Salesforce) -> str:
            address = f"https://{client.sf_instance}/services/oauth2/userinfo"
            answer = self.wire.get(address, headers=client.headers)
            if answer.status_code >= requests.codes.multiple_choices:
                exception_handler(answer, name="userinfo")
            return str(answer.json().get("user_id") or "")

        try:
            return self.other(ask)
        except (AccessError, RequestError):
            return ""

    def allowance(self) -> Allowance:
        """The org's daily calls as last told by an answer; asks only if none has told yet."""
        if self.limit is None and not self._silent:
            try:
                told = self.other(lambda sf: sf.limits())
                daily = told["DailyApiRequests"]
                most = int(daily["Max"])
                self.limit, self.used = most, most - int(daily["Remaining"])
            except (AccessError, RequestError, KeyError, TypeError) as error:
                # A share of an unknown number cannot be kept; the org's own refusal still stops us.
                self._silent = True
                if self.log is not None:
                    self.log.warning("crm_allowance_unknown", reason=str(error))
        return Allowance(limit=self.limit, used=self.used, share=self.settings.limits.daily_share)

    def lacks(self, address: str, cost: str) -> None:
        """Remember that the org has no such address, and say once what that costs."""
        self.absent.add(address)
        if self.log is not None:
            self.log.warning("crm_lacks_address", address=address, cost=cost)

    def close(self) -> None:
        """Close the sockets. The session stays valid: others may share it."""
        self.wire.close()
        self._client = None

    def _within_allowance(self) -> None:
        share = self.settings.limits.daily_share
        allowance = Allowance(limit=self.limit, used=self.used, share=share)
        if allowance.left == 0:
            raise AllowanceError(
                f"{self.used} of the org's {self.limit} API calls for 24 hours are used (by "
                f"everyone); syncd stops at {share:.0%} (limits.daily_share) and goes on later"
            )

    def _once(self, kind: Kind, call: Callable[[Salesforce], T]) -> T:
        """One try; an expired session is renewed once, and only once."""
        try:
            return self._attempt(kind, call)
        except SalesforceExpiredSession:
            if self.log is not None:
                self.log.info("session_renewed")
            self.log_in()
        try:
            return self._attempt(kind, call)
        except SalesforceExpiredSession as error:
            raise turned(error, None) from error

    def _attempt(self, kind: Kind, call: Callable[[Salesforce], T]) -> T:
        if self._client is None:
            raise LoginError("the connection is not open")
        self._kind, self._retry_after = kind, None
        try:
            return call(self._client)
        except SalesforceExpiredSession:
            raise
        except (SalesforceError, requests.RequestException) as error:
            raise turned(error, self._retry_after) from error

    def _seen(self, answer: requests.Response, *_: Any, **__: Any) -> None:
        """Note what an answer's headers say, and count the call."""
        setattr(self.calls, self._kind, getattr(self.calls, self._kind) + 1)
        usage = API_USAGE.search(answer.headers.get("Sforce-Limit-Info", ""))
        if usage:
            self.used, self.limit = int(usage[1]), int(usage[2])
        self.started_at = sent_at(answer) - answer.elapsed
        self._retry_after = wait_named(answer)

    def _waiting(self, error: TransientError, seconds: float) -> None:
        if self.log is not None:
            self.log.warning("crm_call_repeated", reason=str(error), wait_seconds=round(seconds, 1))
