"""From the text of a query to its tree."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from lark import Lark, Token, Transformer, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken, VisitError

from connectors.salesforce.sandbox.errors import RequestError
from connectors.salesforce.sandbox.soql.tree import (
    Both,
    Call,
    Compare,
    DateLiteral,
    Either,
    Item,
    Logic,
    Moment,
    Not,
    Order,
    Path,
    Query,
)
from connectors.salesforce.sandbox.times import parse_date, stamp_of

MAX_LENGTH = 100_000
MAX_OFFSET = 2_000

GRAMMAR = r"""
query: _SELECT select _FROM source _scope? where? group? having? order? limit? offset? _tail*
select: item ("," item)*
item: (path | call) [NAME] -> item
    | "(" query ")" -> child
path: NAME ("." NAME)*
call: NAME "(" [(path | call) ("," (path | call))*] ")"
source: path _AS? [NAME]
_scope: _USING NAME NAME
where: _WHERE logic
having: _HAVING logic
group: _GROUP _BY (path | call) ("," (path | call))*
order: _ORDER _BY ordering ("," ordering)*
ordering: (path | call) [ASC | DESC] [_NULLS (FIRST | LAST)]
limit: _LIMIT INT
offset: _OFFSET INT
_tail: _FOR (_VIEW | _REFERENCE | _UPDATE) | _UPDATE (_TRACKING | _VIEWSTAT)

?logic: term
    | term (_AND term)+ -> both
    | term (_OR term)+ -> either
?term: "(" logic ")"
    | _NOT term -> opposite
    | (path | call) OPERATOR value -> compare
    | (path | call) LIKE value -> compare
    | (path | call) IN members -> compare
    | (path | call) _NOT IN members -> compare_not
    | (path | call) INCLUDES members -> compare
    | (path | call) EXCLUDES members -> compare
?members: "(" value ("," value)* ")" -> constants
    | "(" query ")"
value: STRING | NUMBER | INT | DATE | DATETIME | TRUE | FALSE | NULL
    | NAME [":" INT] -> relative

OPERATOR: /<=|>=|!=|<>|=|<|>/
STRING: /'(?:\\.|[^'\\])*'/
DATETIME.6: /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})/i
DATE.5: /\d{4}-\d{2}-\d{2}(?![\dT])/
NUMBER.3: /[+-]?\d*\.\d+(?:e[+-]?\d+)?|[+-]\d+|\d+e[+-]?\d+/i
INT.2: /\d+/
NAME: /(?!(?:select|from|where|limit|offset|having)\b)[a-z][a-z0-9_]*/i
ASC.9: /asc\b/i
DESC.9: /desc\b/i
FIRST.9: /first\b/i
LAST.9: /last\b/i
LIKE.9: /like\b/i
IN.9: /in\b/i
INCLUDES.9: /includes\b/i
EXCLUDES.9: /excludes\b/i
TRUE.9: /true\b/i
FALSE.9: /false\b/i
NULL.9: /null\b/i
_SELECT.9: /select\b/i
_FROM.9: /from\b/i
_USING.9: /using\b/i
_WHERE.9: /where\b/i
_GROUP.9: /group\b/i
_BY.9: /by\b/i
_HAVING.9: /having\b/i
_ORDER.9: /order\b/i
_NULLS.9: /nulls\b/i
_LIMIT.9: /limit\b/i
_OFFSET.9: /offset\b/i
_FOR.9: /for\b/i
_VIEW.9: /view\b/i
_REFERENCE.9: /reference\b/i
_UPDATE.9: /update\b/i
_TRACKING.9: /tracking\b/i
_VIEWSTAT.9: /viewstat\b/i
_AND.9: /and\b/i
_OR.9: /or\b/i
_NOT.9: /not\b/i
_AS.9: /as\b/i
%ignore /\s+/
"""

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)


@cache
def grammar() -> Lark:
    """The parser, made once."""
    return Lark(GRAMMAR, start="query", parser="lalr", lexer="contextual")


def pointed(text: str, at: tuple[int, int], message: str) -> str:
    """A message with the line it is about and an arrow, as the API writes it."""
    row, column = at
    lines = text.splitlines() or [""]
    line = lines[min(row, len(lines)) - 1]
    return f"\n{line}\n{' ' * (column - 1)}^\nERROR at Row:{row}:Column:{column}\n{message}"


def malformed(message: str) -> RequestError:
    """A query that cannot be understood."""
    return RequestError(400, "MALFORMED_QUERY", message)


def unquote(literal: str, *, keep_wildcards: bool = False) -> str:
    """The text of a quoted constant. Raises RequestError on an unknown escape.

    With `keep_wildcards` the escapes of LIKE's wildcards stay for LIKE to read.
    """

    def one(found: re.Match[str]) -> str:
        code = found.group(1)
        if code.startswith("u") and len(code) > 1:
            return chr(int(code[1:], 16))
        if code in "%_":
            return f"\\{code}" if keep_wildcards else code
        if code == "\\" and keep_wildcards:
            return "\\\\"
        if code not in _ESCAPES:
            raise malformed(f"Illegal character sequence '\\{code}' in string literal")
        return _ESCAPES[code]

    return _ESCAPE.sub(one, literal[1:-1])


class _Builder(Transformer[Token, Query]):
    """Turns lark's tree into ours, from the leaves up."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def path(self, parts: list[Token]) -> Path:
        return Path(tuple(str(part) for part in parts), _at(parts[0]))

    def call(self, parts: list[Any]) -> Call:
        given = tuple(part for part in parts[1:] if part is not None)
        return Call(str(parts[0]).upper(), given, _at(parts[0]))

    def item(self, parts: list[Any]) -> Item:
        return Item(parts[0], None if parts[1] is None else str(parts[1]))

    def child(self, parts: list[Query]) -> Item:
        return Item(parts[0])

    def select(self, parts: list[Item]) -> tuple[str, tuple[Item, ...]]:
        return ("items", tuple(parts))

    def source(self, parts: list[Any]) -> tuple[str, tuple[Path, str | None]]:
        return ("source", (parts[0], None if parts[1] is None else str(parts[1])))

    def where(self, parts: list[Logic]) -> tuple[str, Logic]:
        return ("where", parts[0])

    def having(self, parts: list[Logic]) -> tuple[str, Logic]:
        return ("having", parts[0])

    def group(self, parts: list[Any]) -> tuple[str, tuple[Any, ...]]:
        return ("group", tuple(parts))

    def order(self, parts: list[Order]) -> tuple[str, tuple[Order, ...]]:
        return ("order", tuple(parts))

    def ordering(self, parts: list[Any]) -> Order:
        by, direction, nulls = parts
        descending = direction is not None and direction.type == "DESC"
        return Order(by, descending, nulls is not None and nulls.type == "LAST")

    def limit(self, parts: list[Token]) -> tuple[str, int]:
        return ("limit", int(parts[0]))

    def offset(self, parts: list[Token]) -> tuple[str, int]:
        if int(parts[0]) > MAX_OFFSET:
            raise RequestError(
                400,
                "NUMBER_OUTSIDE_VALID_RANGE",
                f"Maximum SOQL offset allowed is {MAX_OFFSET}",
            )
        return ("offset", int(parts[0]))

    def both(self, parts: list[Logic]) -> Both:
        return Both(tuple(parts))

    def either(self, parts: list[Logic]) -> Either:
        return Either(tuple(parts))

    def opposite(self, parts: list[Logic]) -> Not:
        return Not(parts[0])

    def value(self, parts: list[Token]) -> Any:
        token = parts[0]
        if token.type in {"NUMBER", "INT"}:
            return float(token) if token.type == "NUMBER" and "." in token else _number(token)
        if token.type == "DATETIME":
            return Moment(_moment(str(token).upper()), "datetime")
        if token.type == "DATE":
            if parse_date(str(token)) is None:
                raise malformed(f"Invalid date: {token}")
            return Moment(str(token), "date")
        words: dict[str, Any] = {"TRUE": True, "FALSE": False, "NULL": None}
        return words.get(token.type, token)

    def relative(self, parts: list[Any]) -> DateLiteral:
        return DateLiteral(str(parts[0]).upper(), None if parts[1] is None else int(parts[1]))

    def constants(self, parts: list[Any]) -> tuple[Any, ...]:
        return tuple(parts)

    def compare(self, parts: list[Any]) -> Compare:
        operator = "!=" if parts[1] == "<>" else str(parts[1]).upper()
        return Compare(parts[0], operator, parts[2])

    def compare_not(self, parts: list[Any]) -> Compare:
        return Compare(parts[0], "NOT IN", parts[2])

    def query(self, parts: list[Any]) -> Query:
        named: dict[str, Any] = dict(part for part in parts if isinstance(part, tuple))
        source, alias = named.pop("source")
        return Query(self.text, source=source, alias=alias, **named)


def _at(token: Token) -> tuple[int, int]:
    return (token.line or 1, token.column or 1)


def _end(text: str) -> tuple[int, int]:
    lines = text.splitlines() or [""]
    return (len(lines), len(lines[-1]) + 1)


def _number(token: Token) -> float:
    return float(token) if "e" in token.lower() else int(token)


def _moment(text: str) -> str:
    stamp = stamp_of(text)
    if stamp is None:
        raise malformed(f"Invalid datetime: {text}")
    return stamp


def parse(text: str) -> Query:
    """The tree of a query. Raises RequestError MALFORMED_QUERY."""
    if len(text) > MAX_LENGTH:
        raise RequestError(
            400, "QUERY_TOO_COMPLICATED", f"SOQL statements cannot be longer than {MAX_LENGTH}"
        )
    try:
        tree: Tree[Token] = grammar().parse(text)
        return _Builder(text).transform(tree)
    except VisitError as error:
        if isinstance(error.orig_exc, RequestError):
            raise error.orig_exc from None
        raise
    except UnexpectedToken as error:
        found = "<EOF>" if error.token.type == "$END" else str(error.token)
        at = (error.line, error.column) if found != "<EOF>" else _end(text)
        raise malformed(pointed(text, at, f"unexpected token: '{found}'")) from None
    except UnexpectedCharacters as error:
        at = (error.line, error.column)
        character = text[error.pos_in_stream or 0]
        raise malformed(
            pointed(text, at, f"line {at[0]}:{at[1]} no viable alternative at '{character}'")
        ) from None
    except UnexpectedInput:
        raise malformed("unexpected token: '<EOF>'") from None
