"""Tells people through Slack, Teams, mail or a webhook. Never shows an address or a secret."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import SecretStr

from syncd.log import redact


def notify(urls: Sequence[SecretStr], title: str, text: str) -> int:
    """Send to all addresses; how many could not be told. An address that fails costs no other."""
    if not urls:
        return 0
    import apprise  # noqa: PLC0415 - takes long to import and is rarely needed

    failed = 0
    for url in urls:
        channel = apprise.Apprise()
        known = channel.add(url.get_secret_value())
        if not known or not channel.notify(body=redact(text) or title, title=redact(title)):
            failed += 1
    return failed
