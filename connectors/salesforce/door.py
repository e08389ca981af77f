"""The one door for failures: what simple-salesforce and requests raise becomes syncd's errors.

Codes and texts: https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import requests
from simple_salesforce.exceptions import SalesforceError
from urllib3.exceptions import NewConnectionError

from syncd.connector import broken_off, proxy_for
from syncd.errors import (
    AccessError,
    AllowanceError,
    LoginError,
    RequestError,
    SyncdError,
    TransientError,
    UnreachableError,
)

NO_COLUMN = re.compile(r"No such column '([^']+)' on (?:entity|sobject of type) '?(\w+)'?")
NO_RELATION = re.compile(r"Didn't understand relationship '([^']+)'")
NO_OBJECT = re.compile(r"sObject type '([^']+)' is not supported")
NOT_WRITABLE = re.compile(r"Unable to create/update fields: ([\w, .]+?)\. ")
HTML_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)

ACCESS_CODES = {
    "INVALID_FIELD",
    "INVALID_TYPE",
    "INVALID_FIELD_FOR_INSERT_UPDATE",
    "INSUFFICIENT_ACCESS",
    "INSUFFICIENT_ACCESS_OR_READONLY",
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
    "INVALIDENTITY",
}
NO_API_CODES = {"API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED"}
LATER_STATUSES = {408, 420, 429}  # the request was turned away before anything was done
BROKEN_OFF = (
    requests.exceptions.ConnectionError,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)
LATER_CODES = {"UNABLE_TO_LOCK_ROW", "QUERY_TIMEOUT"}


class Fault(NamedTuple):
    """The first error of an answer's body: Salesforce's code, its text, the fields it blames."""

    code: str
    text: str
    fields: tuple[str, ...] = ()


def is_html(text: str) -> bool:
    """Whether a body is a web page: a maintenance notice, or a proxy that answered instead."""
    return text.lstrip()[:200].lower().startswith(("<!doctype html", "<html", "<head", "<!--"))


def tidy(text: str) -> str:
    """Salesforce's text without the drawing of the query that precedes it."""
    before, found, after = text.rpartition("ERROR at Row:")
    if found:
        text = after.partition("\n")[2] or before
    return " ".join(text.split())


def fault(content: Any) -> Fault:
    """The first error in a body, whichever of its shapes it has (array, object, text, HTML)."""
    if isinstance(content, Sequence) and not isinstance(content, str | bytes) and content:
        content = content[0]
    if isinstance(content, Mapping):
        code = content.get("errorCode") or content.get("statusCode") or content.get("error") or ""
        text = content.get("message") or content.get("error_description") or str(code)
        return Fault(str(code), tidy(str(text)), tuple(content.get("fields") or ()))
    text = content.decode("utf-8", "replace") if isinstance(content, bytes) else str(content or "")
    if is_html(text):
        title = HTML_TITLE.search(text)
        named = f' titled "{" ".join(title[1].split())}"' if title else ""
        return Fault("", f"the answer was a web page{named}, not an API answer")
    return Fault("", " ".join(text.split())[:300] or "the answer was empty")


def blamed(text: str) -> tuple[str, tuple[str, ...]]:
    """The object and the fields that an error text names; empty where it names none."""
    if column := NO_COLUMN.search(text):
        return column[2], (column[1],)
    if relation := NO_RELATION.search(text):
        return "", (relation[1],)
    if entity := NO_OBJECT.search(text):
        return entity[1], ()
    if fields := NOT_WRITABLE.search(text):
        return "", tuple(name.strip() for name in fields[1].split(","))
    return "", ()


def remedy(object: str, fields: Sequence[str], code: str) -> str:
    """Where an admin mends a refused object or field."""
    if not fields:
        return (
            f"Setup > Permission Sets > (the integration user's) > Object Settings"
            f"{' > ' + object if object else ''}: grant Read, or correct the name in the mapping"
        )
    right = "Edit" if code == "INVALID_FIELD_FOR_INSERT_UPDATE" else "Read"
    return (
        f"Setup > Object Manager{' > ' + object if object else ''} > Fields & Relationships > "
        f"{', '.join(fields)} > Set Field-Level Security: grant the integration user {right}, "
        "or run `syncd provision --apply`, or correct the name in the mapping"
    )


def sent_at(answer: requests.Response) -> datetime:
    """When it was sent, by the clock of the one who sent it."""
    try:
        return parsedate_to_datetime(answer.headers.get("Date", "")).astimezone(UTC)
    except ValueError:
        return datetime.now(UTC)  # noqa: TID251 - no Date was sent


def wait_named(answer: requests.Response) -> float | None:
    """The seconds to wait that Retry-After names, be it as a number or as a date."""
    named = answer.headers.get("Retry-After", "")
    try:
        return max(0.0, float(named))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(named).astimezone(UTC)
    except ValueError:
        return None
    return max(0.0, (until - sent_at(answer)).total_seconds())


def refusal(status: int, found: Fault, retry_after: float | None = None) -> SyncdError:
    """The error for an HTTP answer of that status and body."""
    code, text = found.code, found.text
    said = f"Salesforce says {code}: {text}" if code else f"Salesforce answered {status}: {text}"
    if status == requests.codes.unauthorized:
        return LoginError(f"{said}. A new login did not help; check the integration user.")
    if code == "REQUEST_LIMIT_EXCEEDED":
        if "concurrent" in text.lower():
            return TransientError(said, retry_after=retry_after)
        return AllowanceError(f"The org's API calls for 24 hours are used up. {said}")
    if code in NO_API_CODES:
        return LoginError(
            f"{said}. The integration user needs the permission API Enabled "
            "(Setup > Permission Sets > System Permissions)."
        )
    if code == "UNSUPPORTED_API_VERSION":
        return LoginError(f"{said} Set api_version to one that the org speaks.")
    if status in LATER_STATUSES or code in LATER_CODES:
        return TransientError(said, retry_after=retry_after)
    if status >= requests.codes.server_error:
        return TransientError(said, retry_after=retry_after, applied=None)
    if requests.codes.multiple_choices < status < requests.codes.bad_request:
        return LoginError(
            f"Salesforce redirects to another address (HTTP {status}), and a token is not carried "
            "there: set instance_url to the org's My Domain address (Setup > My Domain)"
        )
    if code in ACCESS_CODES:
        object, fields = blamed(text)
        fields = fields or found.fields
        return AccessError(
            said, object=object, fields=fields, remedy=remedy(object, fields, code), code=code
        )
    return RequestError(said, code=code, status=status)


def _network(error: requests.RequestException) -> SyncdError:
    """The error for a failure below HTTP, or of a body that is no JSON."""
    host = ""
    if error.request is not None and error.request.url:
        host = error.request.url.split("/")[2]
    where = f"Salesforce at {host}" if host else "Salesforce"
    if broken_off(error):
        return TransientError(f"{where} broke off the connection", applied=None)
    if isinstance(error, requests.exceptions.SSLError):
        return UnreachableError(
            f"{where}: the TLS certificate is not trusted ({_reason(error)}). "
            "Behind a company proxy, name its certificate authority in ca_file."
        )
    proxy = proxy_for(f"https://{host}") if host else None
    if proxy is not None and isinstance(error, requests.exceptions.ProxyError):
        reason = getattr(error.args[0] if error.args else None, "reason", error)
        return proxy.failure(host, str(getattr(reason, "original_error", reason)))
    if isinstance(error, requests.exceptions.TooManyRedirects):
        return UnreachableError(f"{where} redirects in a circle; check instance_url")
    if _never_sent(error):
        return TransientError(
            f"{where} cannot be reached ({_reason(error)}). Check instance_url, the network, and "
            "HTTPS_PROXY where a proxy is in between."
        )
    if isinstance(error, requests.exceptions.JSONDecodeError):
        html = is_html(error.doc)
        text = fault(error.doc).text if html else "the answer broke off or was no JSON"
        return TransientError(f"{where}: {text}", applied=None)
    if isinstance(error, requests.exceptions.Timeout):
        return TransientError(f"{where} did not answer in time", applied=None)
    if isinstance(error, BROKEN_OFF):
        return TransientError(f"{where} broke off the connection", applied=None)
    return RequestError(f"{where}: the request could not be made ({_reason(error)})")


_ERRNO = re.compile(r"\[Errno -?\d+\] ")
"""The system's number of an error; its words follow."""


def _never_sent(error: requests.RequestException) -> bool:
    """Whether the failure came before a byte of the request reached the host."""
    if isinstance(error, requests.exceptions.ProxyError | requests.exceptions.ConnectTimeout):
        return True
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(reason, NewConnectionError)


def _reason(error: BaseException) -> str:
    """The innermost words of a nested network error."""
    inner: Any = error
    while True:
        nested = getattr(inner, "reason", None) or (inner.args[0] if inner.args else None)
        if not isinstance(nested, BaseException):
            text = str(nested if nested and not isinstance(nested, int) else inner)
            return " ".join(_ERRNO.sub("", text.rpartition(": ")[2]).split())
        inner = nested


def turned(
    error: SalesforceError | requests.RequestException, retry_after: float | None
) -> SyncdError:
    """The syncd error for a failed call; `retry_after` is the answer's own wait, if it had one."""
    if isinstance(error, SalesforceError):
        return refusal(int(error.status), fault(error.content), retry_after)
    return _network(error)
