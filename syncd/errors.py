"""One tree of errors, by what to do about them.

* StopProgramError: the program cannot go on (config, mapping, arguments). Exit code 2.
* StopRunError: this connection's run cannot go on; the next one may. Exit code 5.
* LeaseError, StoreLostError: this run cannot go on for any connection. Exit codes 6 and 5.
* TransientError: try later, the retry policy does (connection reset, 429, 5xx).
* Rejections of one record or one write are not exceptions: they are WriteResults and Findings.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file that a person edits. `line` and `column` count from 1; 0 is unknown."""

    file: str
    line: int
    column: int
    text: str
    hint: str = ""
    severity: str = "error"  # error | warning

    def __str__(self) -> str:
        """``mappings/salesforce.toml:12:3: text (hint)``."""
        place = self.file
        if self.line:
            place += f":{self.line}" + (f":{self.column}" if self.column else "")
        return f"{place}: {self.text}" + (f" ({self.hint})" if self.hint else "")


class SyncdError(Exception):
    """Base of all errors that syncd raises on purpose; the text is for an admin or operator."""


class StopProgramError(SyncdError):
    """Nothing can be done until a person changes something. Exit code 2."""


class ConfigError(StopProgramError):
    """The config, a mapping or the arguments are wrong; carries every problem found."""

    def __init__(self, problems: list[Problem] | tuple[Problem, ...]) -> None:
        """Keep the problems, in the order of the files."""
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class StopRunError(SyncdError):
    """This run cannot go on for this connection. Exit code 5."""


class UnreachableError(StopRunError):
    """The CRM's host cannot be reached, or keeps failing after all retries."""


class LoginError(StopRunError):
    """The CRM refused the credentials, or the token expired and could not be renewed."""


class AllowanceError(StopRunError):
    """The share of the CRM's API allowance given to syncd is used up; work is deferred."""


class IncompleteReadError(StopRunError):
    """Not everything could be read, or far less than before: nothing may be concluded from it."""


class LeaseError(SyncdError):
    """Another instance of syncd holds the lease. Exit code 6."""


class StoreError(StopProgramError):
    """The state cannot be opened (address, path, permissions, a newer schema)."""


class StoreLostError(SyncdError):
    """The open state failed (full disk, locked file, lost connection). Exit code 5.

    What was being stored is not; the next run finds out from the ledger and the CRM.
    """


class AccessError(SyncdError):
    """The CRM refuses an object, a field or a scope. Costs what depends on it, not the run.

    `object` and `fields` are the CRM's names; `remedy` is the click path that mends it.
    """

    def __init__(
        self,
        text: str,
        *,
        object: str = "",
        fields: tuple[str, ...] = (),
        remedy: str = "",
        code: str = "",
    ) -> None:
        """Keep what is refused beside the text."""
        super().__init__(text)
        self.object = object
        self.fields = fields
        self.remedy = remedy
        self.code = code


class RequestError(SyncdError):
    """The CRM understood the request and refused it for good; `code` and the text are the CRM's."""

    def __init__(self, text: str, *, code: str = "", status: int = 0) -> None:
        """Keep the vendor's code and the HTTP status."""
        super().__init__(text)
        self.code = code
        self.status = status


class TransientError(SyncdError):
    """Worth another try. `retry_after` seconds, where the CRM named them."""

    def __init__(
        self, text: str, *, retry_after: float | None = None, applied: bool | None = False
    ) -> None:
        """`applied`: False when the CRM surely did nothing, None when nobody knows."""
        super().__init__(text)
        self.retry_after = retry_after
        self.applied = applied
