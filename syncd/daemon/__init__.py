"""`syncd run` and `syncd health`. A health check comes every few seconds, so this stays light."""

from __future__ import annotations

import http.client
import tomllib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syncd.errors import ConfigError, Problem

if TYPE_CHECKING:
    from syncd.bootstrap import Loaded

LISTEN = "127.0.0.1:8080"  # as in syncd.config, which would take half a second to import
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - asked, never listened on
TIMEOUT_SECONDS = 5.0


def serve(loaded: Loaded, *, clock: Callable[[], datetime]) -> int:
    """The daemon with its console; returns when SIGTERM or SIGINT came, or a defect did."""
    from syncd.daemon.program import serve as run  # noqa: PLC0415 - not for a health check

    return run(loaded, clock=clock)


def is_healthy(config: Path, _now: datetime | None = None) -> tuple[bool, str]:
    """Whether the daemon of this config is alive on this machine, as its /healthz says.

    The daemon judges its own heartbeat, so the caller's moment is not needed. Raises ConfigError
    when the file cannot be read.
    """
    listen = _listen(config)
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    if not port.isdigit():
        raise ConfigError([Problem(str(config), 0, 0, '[console] "listen" must be host:port')])
    asked = http.client.HTTPConnection(ANYWHERE.get(host, host), int(port), timeout=TIMEOUT_SECONDS)
    try:
        asked.request("GET", "/healthz")
        answer = asked.getresponse()
        text = answer.read().decode(errors="replace").strip()
    except (OSError, http.client.HTTPException) as error:
        why = getattr(error, "strerror", None) or error
        return False, f"no daemon answers on {listen} ({why}); `syncd run` starts one"
    finally:
        asked.close()
    return answer.status == http.HTTPStatus.OK, text


def _listen(config: Path) -> str:
    try:
        file = tomllib.loads(config.read_text(encoding="utf-8-sig"))
    except OSError as error:
        text = f"cannot read the file: {error.strerror}"
        raise ConfigError([Problem(str(config), 0, 0, text)]) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError([Problem(str(config), 0, 0, f"this is not TOML: {error}")]) from error
    console: Any = file.get("console", {})
    listen: Any = console.get("listen", LISTEN) if isinstance(console, dict) else ""
    return str(listen)
