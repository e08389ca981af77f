"""Takes secrets out of texts: the known ones in their usual encodings, and what looks like one."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

HIDDEN = "[secret]"
SHORTEST = 4  # shorter texts would blank out ordinary words
WHOLE_WORD = 8  # secrets shorter than this are hidden only where they stand alone
SHORTEST_PART = 8  # of an address or of a key of several lines
DATABASES = ("sqlite", "postgresql")

# Session ids and tokens that a CRM hands out at run time are in no config.
_LOOKS_SECRET = re.compile(
    r"(?i)(?P<authorization>\bauthorization[\"']?\s*[:=]\s*[\"']?(?:bearer\s+|basic\s+)?)"
    r"[^\s\"',;}]+"
    r"|(?P<scheme>\b(?:bearer|basic)\s+)(?=[a-z._~+/=!-]*\d)[a-z0-9._~+/=!-]{16,}"
    r"|(?P<key>\b(?:access_token|refresh_token|id_token|client_secret|assertion|password|hapikey"
    r"|api_?key|session_?id)(?:=|[\"']\s*[:=]\s*[\"']))[^\s\"'&,;}\[{]+"
    r"|(?P<user>[a-z][a-z0-9+.-]*://[^\s/:@\"']*:)[^\s/@\"']+(?=@)"
    r"|\b00d[a-z0-9]{12}(?:[a-z0-9]{3})?![a-z0-9._]{16,}"
    r"|\bpat-[a-z]{2}\d-[0-9a-f-]{16,}"
)
_SECRET_KEY = re.compile(
    r"(?i)(?:.*_)?(?:password|secret|token|authorization|private_key|api_?key|session_?id|cookie)"
)


_LOGIN = re.compile(r"[^/]*//[^:/@]*:(?P<password>[^@]*)@(?:(?P<more>[^?]*)@)?")
"""An address with a password, which may hold an ``@`` of its own that nobody encoded."""
_WITHIN = re.compile(r"(?i)\b(?:pwd|password)=(?P<password>[^;&]+)")
"""As in the ODBC words of a database's address."""


class Redaction:
    """The secrets known so far."""

    def __init__(self) -> None:
        """None known."""
        self._forms: set[str] = set()
        self._passing: dict[str, tuple[str, ...]] = {}
        self._known: re.Pattern[str] | None = None

    def register(self, secrets: Iterable[str]) -> None:
        """Never let these texts out again, nor their usual encodings."""
        for secret in secrets:
            for part in (secret, *_parts(secret)):
                if len(part) >= SHORTEST:
                    self._forms.update(_encodings(part))
        self._compile()

    def conceal(self, holder: str, token: str) -> None:
        """Nor this token, which a CRM handed out: until the holder has another one."""
        self._passing[holder] = tuple(_encodings(token)) if len(token) >= WHOLE_WORD else ()
        self._compile()

    def _compile(self) -> None:
        forms = self._forms.union(*self._passing.values())
        longest_first = sorted(forms, key=len, reverse=True)
        self._known = re.compile("|".join(map(_pattern, longest_first))) if longest_first else None

    def forget(self) -> None:
        """Know no secrets any more."""
        self._forms.clear()
        self._passing.clear()
        self._known = None

    def text(self, text: str) -> str:
        """The text without any known secret, and without what looks like one."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        return _LOOKS_SECRET.sub(lambda found: f"{_kept(found)}{HIDDEN}", text)

    def value(self, value: Any, key: str = "") -> Any:
        """A value of a log line without secrets: plain JSON, texts redacted at any depth."""
        if value is None or isinstance(value, bool):
            return value
        if key and _SECRET_KEY.fullmatch(key):
            return HIDDEN
        if isinstance(value, (int, float)):
            return HIDDEN if str(value) in self._forms else value
        if isinstance(value, dict):
            return {self.text(str(k)): self.value(item, str(k)) for k, item in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self.value(item) for item in value]
        return self.text(value if isinstance(value, str) else str(value))


def _kept(found: re.Match[str]) -> str:
    """What may stay of a match: the word that announces the secret."""
    return next((part for part in found.groups() if part is not None), "")


def _pattern(form: str) -> str:
    escaped = re.escape(form)
    return rf"(?<!\w){escaped}(?!\w)" if len(form) < WHOLE_WORD else escaped


def _encodings(secret: str) -> Iterator[str]:
    yield secret
    yield quote(secret, safe="")
    yield quote(secret)
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    # Inside a longer text, such as user:secret, base64 shifts by one or two bytes.
    raw = secret.encode()
    for shift in range(3):
        skipped = -(-shift * 8 // 6)
        whole = (shift + len(raw)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            core = encode(b"\0" * shift + raw).decode()[skipped:whole]
            if len(core) >= SHORTEST:
                yield core


def _parts(secret: str) -> Iterator[str]:
    """Parts that give a secret away: the lines of a key, the tokens of a webhook's address."""
    if "\n" in secret:
        yield from (
            line
            for line in map(str.strip, secret.splitlines())
            if len(line) >= SHORTEST_PART and not line.startswith("-----")
        )
        return
    if "://" not in secret:
        return
    yield from _passwords(secret)
    try:
        url = urlsplit(secret)
        password, host = url.password, url.hostname
    except ValueError:
        return
    if password:
        yield password
    if url.scheme.startswith(DATABASES):
        return
    found = [*url.path.split("/"), *(value for _, value in parse_qsl(url.query))]
    if url.username:
        found.append(url.username)
    # As in slack://token/token: where no domain name stands, the host is a secret too.
    if host and "." not in host and url.scheme not in {"http", "https"}:
        found.append(url.netloc.rpartition("@")[2].partition(":")[0])
    yield from (part for part in found if len(part) >= SHORTEST_PART)


def _passwords(address: str) -> Iterator[str]:
    """An address's password as it stands there and as it is meant.

    Where signs that should have been encoded cut it to pieces, those too: a driver takes some for
    a host or a port, and complains about them.
    """
    if login := _LOGIN.match(address):
        first, more = login["password"], login["more"]
        whole = first if more is None else f"{first}@{more}"
        for found in (first, whole):
            yield from (found, unquote(found))
        yield from re.split(r"[@:/?#]", whole)
    yield from (found["password"] for found in _WITHIN.finditer(unquote(address)))


KNOWN = Redaction()
