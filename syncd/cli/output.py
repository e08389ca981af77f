"""What people and programs see: the answer on stdout, everything else on stderr."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

import click

from syncd.errors import Problem
from syncd.log import redact, setup_logging

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

# Control characters of a CRM's text could move the cursor or change a terminal's colours.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


ROWS_AT_ONCE = 500


def plain(text: object) -> str:
    """Text of a CRM made fit for a terminal."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(text))


def complain(text: str) -> None:
    """Say on stderr what is wrong."""
    click.echo(f"syncd: {plain_lines(redact(text))}", err=True)


def plain_lines(text: str) -> str:
    """Like `plain`, but lines stay lines."""
    return "\n".join(plain(line) for line in text.split("\n"))


def told(problem: Problem) -> str:
    """A problem in a line; one that stops nothing says so."""
    return f"{'warning: ' if problem.severity == 'warning' else ''}{problem}"


def say(text: str = "") -> None:
    """A line of the answer."""
    click.echo(plain_lines(redact(text)))


def note(text: str) -> None:
    """A line beside the answer."""
    click.echo(plain_lines(redact(text)), err=True)


@dataclass(slots=True)
class Said:
    """Whether the command has given its answer in JSON: a later error must add no second one."""

    answered: bool = False


def answer(document: Any) -> None:
    """The answer as one JSON document; nothing in it is a secret."""
    context = click.get_current_context(silent=True)
    said = None if context is None else context.find_object(Said)
    if said is not None:
        said.answered = True
    encode = json.JSONEncoder(indent=2, ensure_ascii=False).encode
    for text in json_pieces(document, lambda part: encode(redacted(part))):
        # JSON escapes most control characters by itself; the others could steer a terminal too.
        click.echo(_CONTROL.sub(_escaped, text), nl=False)
    click.echo()


class Rows(Generic[T]):
    """A long list of a document, its items made when their turn comes; of all sources in turn.

    The plan of a big book is a gigabyte of text.
    """

    def __init__(self, sources: Sequence[Sequence[T]], make: Callable[[T], Any]) -> None:
        """`make` gives an item as JSON has it."""
        self._sources = sources
        self._make = make

    def __len__(self) -> int:
        return sum(map(len, self._sources))

    def __iter__(self) -> Iterator[Any]:
        return map(self._make, chain.from_iterable(self._sources))


def json_pieces(document: Any, encode: Callable[[Any], str]) -> Iterator[str]:
    """The document as JSON text, indented by 2 as `encode` does; its `Rows` some at a time."""
    if not isinstance(document, Mapping) or not any(
        isinstance(part, Rows) for part in document.values()
    ):
        yield encode(document)
        return
    before = "{\n  "
    for name, part in document.items():
        yield f"{before}{encode(name)}: "
        before = ",\n  "
        if isinstance(part, Rows):
            yield from _list_pieces(part, encode)
        else:
            yield encode(part).replace("\n", "\n  ")
    yield "\n}"


def _list_pieces(rows: Rows[Any], encode: Callable[[Any], str]) -> Iterator[str]:
    before, items = "[", iter(rows)
    while some := list(islice(items, ROWS_AT_ONCE)):
        # Without the brackets of their own list, and as deep as the document has them.
        yield before + encode(some)[1:-2].replace("\n", "\n  ")
        before = ","
    yield "\n  ]" if rows else "[]"


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def answer_refused(code: int, message: str, problems: Iterable[Problem] = ()) -> None:
    """The JSON answer of a command that could not give its own: what is wrong, and where."""
    said = [asdict(problem) for problem in problems]
    answer({"error": {"exit_code": code, "message": message, "problems": said}})


def redacted(value: Any) -> Any:
    """A value as JSON has it, its texts without a secret; its numbers and its form stay.

    Text by text: a secret of digits alone must not tear a number out of the document.
    """
    return _redacted(value, {})


def _redacted(value: Any, known: dict[str, str]) -> Any:
    """The same; `known` has the texts seen before, for most of a long list's are said again."""
    if isinstance(value, str):
        if value not in known:
            known[value] = redact(value)
        return known[value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, Mapping):
        return {
            _redacted(key, known) if isinstance(key, str) else key: _redacted(item, known)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_redacted(item, known) for item in value]
    return _redacted(as_json(value), known)


def as_json(value: Any) -> Any:
    """JSON for what it lacks: dates as ISO text, money as a number."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    return str(value)


def on_terminal() -> bool:
    """Whether a person watches stdout."""
    return sys.stdout.isatty()


def table(heads: Sequence[str], rows: Iterable[Sequence[object]], *, title: str = "") -> None:
    """A table: drawn on a terminal, tab-separated on a pipe."""
    shown = ([plain("" if cell is None else redact(str(cell))) for cell in row] for row in rows)
    if not on_terminal():
        if title:
            click.echo(title)
        click.echo("\t".join(heads))
        for row in shown:
            click.echo("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in row))
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    drawn = Table(*heads, title=title or None, title_justify="left")
    for row in shown:
        drawn.add_row(*(escape(cell) for cell in row))
    Console().print(drawn)


def shorten(text: object, length: int = 60) -> str:
    """One line, cut with a mark."""
    one = " ".join(str(text).split())
    return one if len(one) <= length else one[: length - 1] + "…"


def fitted(text: object, length: int) -> str:
    """A table's cell: cut where a terminal would wrap it, whole on a pipe."""
    return shorten(text, length) if on_terminal() else str(text)


def counted(count: int, noun: str, several: str = "") -> str:
    """``1 record``, ``2 records``; `several` where an s does not make the plural."""
    return f"{count:,} {noun if count == 1 else several or f'{noun}s'}"


def sentence(reason: str) -> str:
    """A reason as it stands alone: a capital and a full stop. Names of fields stay as they are."""
    first = reason.partition(" ")[0]
    told = reason[:1].upper() + reason[1:] if first.isalpha() else reason
    return told if not told or told[-1] in ".!?…" else f"{told}."


def at_minute(moment: str, timezone: str) -> str:
    """A stored moment as the clock on the wall of `timezone` shows it: ``2026-11-26 14:05``."""
    told = datetime.fromisoformat(moment).astimezone(ZoneInfo(timezone))
    return f"{told:%Y-%m-%d %H:%M}"


def words(value: Any) -> str:
    """A value as a person reads it."""
    if value is None or value == "":
        return "(blank)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float, Decimal)):
        return f"{value:,.2f}".removesuffix(".00")
    return str(value)


def moment() -> datetime:
    """Now. The commands alone read the clock."""
    return datetime.now(tz=UTC)


def config_option(command: F) -> F:
    """``-c/--config``: the config file, else $SYNCD_CONFIG, else ./config.toml."""
    return click.option(
        "-c",
        "--config",
        "config",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar="SYNCD_CONFIG",
        default="config.toml",
        show_default=True,
        help="The config file ($SYNCD_CONFIG).",
    )(command)


def no_config_option(command: F) -> F:
    """``-c/--config`` where no config is read: taken, so that scripts may always give it."""
    return click.option("-c", "--config", expose_value=False, hidden=True)(command)


def json_option(command: F) -> F:
    """``--json``: one JSON document on stdout."""
    return click.option("--json", "as_json_", is_flag=True, help="Answer as one JSON document.")(
        command
    )


def start_logging(*, level: str = "warning") -> None:
    """Logs on stderr: lines for a person on a terminal, JSON otherwise."""
    setup_logging(level=level, terminal=sys.stderr.isatty())


class AsDate(click.ParamType[date]):
    """A date such as 2026-12-31."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Read it, or say what was expected."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a date; write it as 2026-12-31", param, ctx)
