"""The one login and the one HTTP client, held for as long as the connection is open.

hubspot-api-client builds a new client and pool at each access of an API object, has no default
timeout, and by default sleeps and repeats behind its caller's back. So one object is held, each
call names its timeout, and urllib3's retries and redirects are off: what to repeat is decided in
the door, and a credential follows no redirect to another host.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import urllib3
from msgspec import Struct
from pydantic import SecretStr

from connectors.hubspot.paths import Paths
from connectors.hubspot.settings import HubSpotSettings
from syncd.connector import Calls, Proxy, proxy_for, tell_nobody
from syncd.errors import LoginError, TransientError, UnreachableError

Query = Sequence[tuple[str, str]]

_RENEW_BEFORE_SECONDS = 120.0  # a token is renewed by the clock, well before it expires
_TRY_LATER = (HTTPStatus.LOCKED, HTTPStatus.TOO_MANY_REQUESTS)
_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")


class Reply(Struct, frozen=True):
    """An answer as it came, whatever its status. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Session:
    """Sends one request at a time; knows the token and lets nobody else see it."""

    def __init__(
        self,
        settings: HubSpotSettings,
        paths: Paths,
        calls: Calls,
        *,
        clock: Callable[[], float] = time.monotonic,
        hide: Callable[[str], None] = tell_nobody,
    ) -> None:
        """Keep the settings; contacts nothing and imports no SDK. `hide` is told each new token."""
        self._settings = settings
        self._paths = paths
        self._calls = calls
        self._clock = clock
        self._hide = hide
        self._client: Any = None
        self._refused: tuple[type[Exception], ...] = ()
        self._proxy: Proxy | None = None
        self._token = _reveal(settings.auth.access_token)
        self._expires_at = 0.0

    @property
    def renewable(self) -> bool:
        """Whether a refused token can be exchanged for a new one."""
        return self._settings.auth.flow == "oauth"

    @property
    def token(self) -> str:
        """The access token; for HubSpot's own look-up of a token's scopes only."""
        return self._token

    @property
    def login(self) -> int:
        """The same for the same credentials, and tells nothing about them."""
        auth = self._settings.auth
        return hash((auth.flow, *map(_reveal, (auth.access_token, auth.refresh_token))))

    def send(self, method: str, path: str, *, query: Query = (), body: Any = None) -> Reply:
        """Send a request with credentials; any status is an answer.

        Raises urllib3's HTTPError when no answer came; LoginError or TransientError when there
        is no token to be had; UnreachableError or TransientError where a proxy is to blame.
        """
        if self.renewable and self._clock() >= self._expires_at:
            try:
                self._renew()
            except urllib3.exceptions.HTTPError as error:
                text = f"HubSpot gave no token: {self.conceal(str(error))}"
                raise TransientError(text, applied=False) from None
        return self._exchange(method, path, query=query, body=body)

    def expire(self) -> None:
        """Take the token for no longer good: with OAuth, the next call gets a new one first."""
        self._expires_at = 0.0

    def _renew(self) -> None:
        self._calls.other += 1
        auth = self._settings.auth
        form = [
            ("grant_type", "refresh_token"),
            ("client_id", _reveal(auth.client_id)),
            ("client_secret", _reveal(auth.client_secret)),
            ("refresh_token", _reveal(auth.refresh_token)),
        ]
        reply = self._exchange("POST", self._paths.token(), form=form)
        if reply.status in _TRY_LATER or reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise TransientError(f"HubSpot gave no token (HTTP {reply.status})", applied=False)
        try:
            answer = msgspec.json.decode(reply.content)
            self._token = str(answer["access_token"])
            lifetime = float(answer.get("expires_in", 1800))
        except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
            raise LoginError(
                f"HubSpot refused to renew the OAuth token (HTTP {reply.status}). Check client_id, "
                "client_secret and refresh_token; the app may have been uninstalled."
            ) from error
        self._hide(self._token)
        self._expires_at = self._clock() + max(0.0, lifetime - _RENEW_BEFORE_SECONDS)
        self._api_client().configuration.access_token = self._token

    def conceal(self, text: str) -> str:
        """The text without any secret of this connection, should a vendor echo one."""
        auth = self._settings.auth
        secrets = (self._token, *(_reveal(s) for s in (auth.client_secret, auth.refresh_token)))
        for secret in secrets:
            if secret:
                text = text.replace(secret, "***")
        return text

    def close(self) -> None:
        """Close the sockets; the token stays valid."""
        if self._client is not None:
            self._client.rest_client.pool_manager.clear()
            self._client = None

    def _exchange(
        self, method: str, path: str, *, query: Query = (), body: Any = None, form: Any = None
    ) -> Reply:
        client = self._api_client()
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        timeout = (self._settings.connect_timeout_seconds, self._settings.read_timeout_seconds)
        try:
            response = client.call_api(
                path,
                method,
                query_params=list(query),
                header_params=headers,
                body=body,
                post_params=form,
                auth_settings=[] if form else ["oauth2"],
                _preload_content=False,
                _request_timeout=timeout,
            )
            return _reply(response.status, response.headers, response.data)
        except self._refused as error:
            return self._reply_of(error)
        except UnicodeDecodeError as error:  # the SDK insists that an error's body is UTF-8
            if not isinstance(error.__context__, self._refused):
                raise
            return self._reply_of(error.__context__)
        except urllib3.exceptions.MaxRetryError as error:
            if self._proxy is None or not isinstance(error.reason, urllib3.exceptions.ProxyError):
                raise
            host = urlsplit(self._settings.base_url).netloc
            raise self._proxy.failure(host, str(error.reason.original_error)) from None

    def _reply_of(self, error: Any) -> Reply:
        if not error.status:
            raise UnreachableError(
                f"no secure connection to {self._settings.base_url}: {error.reason}"
            ) from error
        body = error.body or b""
        return _reply(error.status, error.headers, body.encode() if isinstance(body, str) else body)

    def _api_client(self) -> Any:
        if self._client is None:
            # Imported when first needed: the SDK costs 0.3 s and 20 MB, `syncd --help` must not.
            from hubspot import Client
            from hubspot.crm.objects.exceptions import ApiException

            base_url = self._settings.base_url
            self._proxy = proxy_for(base_url)
            api = Client.create(
                access_token=self._token,
                host=base_url,
                base_url=base_url,
                ssl_ca_cert=self._settings.ca_file or _trusted() or None,
                proxy=self._proxy and self._proxy.address,
                proxy_headers=self._proxy and self._proxy.headers,
                retry=urllib3.Retry(0, redirect=False, raise_on_redirect=False),
            ).crm.objects.basic_api
            self._client = api.api_client
            self._client.set_default_header("Accept-Encoding", "gzip")
            self._refused = (ApiException,)
        return self._client


def _reply(status: int, headers: Any, content: bytes) -> Reply:
    return Reply(status, {str(k).lower(): str(v) for k, v in (headers or {}).items()}, content)


def _reveal(secret: SecretStr | None) -> str:
    return secret.get_secret_value().strip() if secret is not None else ""


def _trusted() -> str:
    """The certificates that the environment trusts; the SDK alone would ignore it."""
    named = (os.environ.get(name, "") for name in _CA_VARIABLES)
    return next((path for path in named if path and Path(path).is_file()), "")
