"""What a failing database means, in an operator's words."""

from __future__ import annotations

from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    NotSupportedError,
    ProgrammingError,
)

from syncd.errors import StoreLostError

DEFECTS = (DataError, IntegrityError, NotSupportedError, ProgrammingError)

WHAT_TO_DO = {
    "is full": "make room on its disk",
    "no space left": "make room on its disk",
    "database is locked": "another program holds the file; end it, or wait until it is done",
    "unable to open": "see that its folder is there, and that syncd may write to both",
    "readonly": "give syncd the right to write the file and its folder",
    "read-only": "give syncd the right to write there",
    "malformed": "the file is damaged; put a backup in its place (tasks are found by their keys)",
    "not a database": "the file is damaged; put a backup in its place",
    "disk i/o error": "check the disk",
    "connection": "see whether the database server is up and can be reached",
    "terminat": "see whether the database server is up and can be reached",
}

PASSING = (
    "is locked",
    "is full",
    "no space left",
    "connection refused",
    "no such file or directory",  # the server's socket
    "timeout",
    "timed out",
    "starting up",
    "shutting down",
    "too many",
    "server closed",
    "terminat",
)
"""Signs of a failure that may be over by itself, so that the next try is worth it."""


def passes(said: str) -> bool:
    """Whether the database may be had again without a change of the config."""
    lowered = said.lower()
    return any(sign in lowered for sign in PASSING)


def is_defect(error: DBAPIError) -> bool:
    """Whether syncd asked for something wrong; else the database or its machine failed."""
    return isinstance(error, DEFECTS)


def words_of(error: DBAPIError) -> str:
    """The database's own first line, and what to do about it."""
    said = (str(error.orig).splitlines() or [type(error.orig).__name__])[0].strip()
    lowered = said.lower()
    advice = next((text for sign, text in WHAT_TO_DO.items() if sign in lowered), "")
    return f"{said}; {advice}" if advice else said


def lost(error: DBAPIError) -> StoreLostError:
    """The error that ends the run."""
    return StoreLostError(
        f"state: the database failed: {words_of(error)}. Nothing is lost: the next run goes on "
        "from what was stored, and looks up in the CRM what was not."
    )
