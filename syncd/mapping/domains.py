"""The host that a company is known by, from a web or mail address."""

from __future__ import annotations

import re

_HOST = re.compile(
    r"(?=.{4,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{1,62}"
)
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:(?://)?", re.IGNORECASE)
_END = re.compile(r"[/?#\\\s]")

SHARED = frozenset(
    {
        "126.com", "163.com", "aol.com", "bluewin.ch", "btinternet.com", "comcast.net",
        "fastmail.com", "foxmail.com", "free.fr", "gmail.com", "gmx.at", "gmx.ch",
        "gmx.com", "gmx.de", "gmx.net", "googlemail.com", "hey.com", "hotmail.co.uk",
        "hotmail.com", "hotmail.de", "hotmail.es", "hotmail.fr", "hotmail.it", "icloud.com",
        "laposte.net", "libero.it", "live.co.uk", "live.com", "live.de", "live.fr", "live.nl",
        "mac.com", "mail.com", "mail.ru", "me.com", "msn.com", "naver.com", "orange.fr",
        "outlook.com", "outlook.de", "outlook.fr", "pm.me", "proton.me", "protonmail.com",
        "qq.com", "rediffmail.com", "rocketmail.com", "sbcglobal.net", "sina.com", "t-online.de",
        "verizon.net", "wanadoo.fr", "web.de", "yahoo.ca", "yahoo.co.in", "yahoo.co.jp",
        "yahoo.co.uk", "yahoo.com", "yahoo.com.au", "yahoo.com.br", "yahoo.de", "yahoo.es",
        "yahoo.fr", "yahoo.it", "yandex.com", "yandex.ru", "ymail.com", "zoho.com",
    }
)  # fmt: skip
"""Mail providers that many companies share: such a domain says nothing about who it is."""


def host_of(address: str) -> str | None:
    """The lower-cased host without scheme, ``www.``, port and path.

    None: a shared mail provider's. Empty: this is no address.
    """
    bare = _SCHEME.sub("", address.strip()) if "://" in address else address.strip()
    bare = re.sub(r"^mailto:", "", bare, flags=re.IGNORECASE).lstrip("/")
    bare = _END.split(bare, maxsplit=1)[0].rpartition("@")[2]
    host = re.sub(r":\d*$", "", bare).rstrip(".").lower()
    while host.startswith("www."):
        host = host[4:]
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return ""
    if not _HOST.fullmatch(host):
        return ""
    return None if host in SHARED else host
