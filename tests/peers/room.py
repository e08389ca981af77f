"""A throw-away place for one peer: a virtual environment or an npm prefix, from a pinned list."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

INSTALL_SECONDS = 900.0
RUN_SECONDS = 480.0


class PeerError(Exception):
    """A peer did not do what it should; the text says what, with the end of what it printed."""


@dataclass(frozen=True, slots=True)
class Room:
    """`folder` is the place; `source` is the peer's own folder among the tests."""

    folder: Path
    source: Path

    def install(self) -> None:
        """Install what the lists pin, unless it is there already. Raises PeerError."""
        npm = (self.source / "package-lock.json").exists()
        pinned = self.source / ("package-lock.json" if npm else "requirements.txt")
        mark = self.folder / "installed"
        wanted = hashlib.sha256(pinned.read_bytes() + sys.version.encode()).hexdigest()
        if not mark.exists() or mark.read_text() != wanted:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            if npm:
                self._install_npm()
            else:
                self._install_python(pinned)
            mark.write_text(wanted)
        if npm:
            for script in self.source.glob("*.mjs"):
                shutil.copy(script, self.folder)

    def program(self, name: str) -> str:
        """A program that the peer brought along."""
        return str(self.folder / "bin" / name)

    def trust(self, ca_file: Path) -> None:
        """Add the sandbox's authority to the room's own list of authorities, as a company's
        image does: some clients send prepared requests, for which the environment's list is
        not read.
        """
        for listed in self.folder.glob("lib/python*/site-packages/certifi/cacert.pem"):
            kept = listed.with_suffix(".kept")
            if not kept.exists():
                shutil.copy(listed, kept)
            listed.write_bytes(kept.read_bytes() + ca_file.read_bytes())

    def run(self, *command: str, environment: dict[str, str], folder: Path | None = None) -> str:
        """Run a command; what it wrote on stdout. Raises PeerError where it fails."""
        try:
            done = subprocess.run(
                command,
                env=environment,
                cwd=folder or self.folder,
                capture_output=True,
                text=True,
                timeout=RUN_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise PeerError(f"{command[0]} did not end within {RUN_SECONDS:.0f} s") from None
        if done.returncode:
            told = (done.stdout + done.stderr)[-3000:]
            raise PeerError(f"{Path(command[0]).name} ended with {done.returncode}:\n{told}")
        return done.stdout

    def _install_npm(self) -> None:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(self.source / name, self.folder)
        self._installing("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")

    def _install_python(self, pinned: Path) -> None:
        base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
        self._installing(str(base), "-m", "venv", str(self.folder))
        self._installing(
            self.program("python"),
            *("-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--require-hashes", "-r", str(pinned)),
        )

    def _installing(self, *command: str) -> None:
        try:
            done = subprocess.run(
                command,
                cwd=self.folder,
                env={name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"},
                capture_output=True,
                text=True,
                timeout=INSTALL_SECONDS,
                check=False,
            )
        except (subprocess.TimeoutExpired, FileNotFoundError) as error:
            raise PeerError(f"cannot install: {error}") from None
        if done.returncode:
            raise PeerError(f"cannot install:\n{(done.stdout + done.stderr)[-3000:]}")
