"""What simple-salesforce is given to speak through: sockets with a time limit and a CA of our own.

simple-salesforce sets no time limit, ignores a private CA where the environment names one, and
trips over answers that are no answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce

from syncd.connector import proxy_for
from syncd.errors import TransientError

CONNECT_SECONDS = 15.0


class WireAdapter(HTTPAdapter):
    """Sets the time limit, the CA and the proxy of every request itself.

    requests lets REQUESTS_CA_BUNDLE of the environment win over a session's `verify`; an
    adapter has the last word. It would also show a proxy's login in some of its errors.
    """

    def __init__(self, ca_file: str, read_seconds: float) -> None:
        """`ca_file` empty: the machine's usual authorities."""
        self._verify: str | bool = ca_file or True
        self._timeout = (CONNECT_SECONDS, read_seconds)
        self._logins: dict[str, dict[str, str]] = {}
        super().__init__()

    def send(  # noqa: D102 - as its base
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        del proxies
        proxy = proxy_for(request.url or "")
        if proxy is not None:
            self._logins[proxy.address] = proxy.headers
        return super().send(
            request,
            stream=stream,
            timeout=timeout or self._timeout,
            verify=self._verify if isinstance(self._verify, str) else verify or True,
            cert=cert,
            proxies={} if proxy is None else {"https": proxy.address},
        )

    def proxy_headers(self, proxy: str) -> dict[str, str]:
        """What a request to the proxy of this address bears."""
        return self._logins.get(proxy, {})

    def close(self) -> None:
        """Close every socket now. urllib3 alone waits until the last traceback lets go of them."""
        for pools in (self.poolmanager, *self.proxy_manager.values()):
            for key in pools.pools.keys():  # noqa: SIM118 - it has keys, but is not iterable
                pools.pools[key].close()
        super().close()


class Wire(requests.Session):
    """A requests session that follows no redirect to another host and reads no .netrc."""

    def __init__(self, adapter: HTTPAdapter) -> None:
        """Mount the adapter for https, the only scheme spoken."""
        super().__init__()
        self.mount("https://", adapter)
        self.auth = _keep_authorization

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """The target where it stays on the host; else none, and the 3xx is the answer."""
        target = super().get_redirect_target(resp)
        if target is None:
            return None
        host = urlsplit(target).netloc
        return target if host in ("", urlsplit(resp.url).netloc) else None


def _keep_authorization(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """An auth that adds nothing, so that requests does not look into .netrc for one."""
    return request


class Client(Salesforce):
    """simple-salesforce's client, which trips over answers that are JSON and yet no answer."""

    def parse_result_to_json(self, result: requests.Response) -> Any:
        """The answer's body. Raises TransientError where it is a bare null, number or text."""
        told = super().parse_result_to_json(result)
        if not isinstance(told, dict | list):
            raise TransientError("Salesforce's answer had neither record nor list", applied=None)
        return told
