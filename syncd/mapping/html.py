"""Text out of HTML, and text into HTML, so that one undoes the other.

The standard library's parser needs minutes for a hundred kilobytes of unclosed tags, which
anyone can put into a note; this one takes time in step with the length.
"""

from __future__ import annotations

import re
from html import escape, unescape

_TAG = re.compile(r"""<(/?)([a-zA-Z][a-zA-Z0-9:-]*)(?:[^<>"']|"[^"<]*"|'[^'<]*')*>""")
_DECLARED = re.compile(r"<[!?][^<>]*>")
_BREAKS = frozenset(
    {"address", "blockquote", "div", "dl", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6"}
    | {"hr", "li", "ol", "p", "pre", "section", "table", "tr", "ul"}
)
_SILENT = frozenset({"script", "style", "head", "title"})
_SPACE = re.compile(r"[ \t\n\r\f]+")
_EXTRA = re.compile(r"^ | $|(?<= ) ", re.MULTILINE)


class _Lines:
    """Collects text line by line; a block that opens or closes ends the line, once."""

    def __init__(self) -> None:
        self._lines: list[list[str]] = [[]]
        self._fresh = True  # the line in hand was begun by a block, and holds nothing yet

    def add(self, markup: str) -> None:
        text = unescape(_SPACE.sub(" ", markup))
        line = self._lines[-1]
        if not line or line[-1].endswith(" "):
            text = text.removeprefix(" ")
        if text:
            line.append(text)
            self._fresh = False

    def end(self) -> None:
        self._lines.append([])
        self._fresh = False

    def block(self) -> None:
        if not self._fresh:
            self._lines.append([])
            self._fresh = True

    def text(self) -> str:
        return "\n".join("".join(line).rstrip(" ") for line in self._lines)


def from_html(markup: str) -> str:
    """The text that a reader sees, line by line; no markup, no entities, no outer white space."""
    if "<" not in markup and "&" not in markup:
        return tidy(markup)
    lines = _Lines()
    place = 0
    silent = ""
    markup = _without_comments(markup)
    for tag in _TAG.finditer(markup):
        name = tag[2].lower()
        if silent:
            if tag[1] and name == silent:
                silent, place = "", tag.end()
            continue
        lines.add(markup[place : tag.start()])
        place = tag.end()
        if name in _SILENT and not tag[1]:
            silent = name
        elif name == "br":
            lines.end()
        elif name in _BREAKS:
            lines.block()
    if not silent:
        lines.add(markup[place:])
    return tidy(lines.text())


def _without_comments(markup: str) -> str:
    kept: list[str] = []
    place = 0
    while (start := markup.find("<!--", place)) >= 0:
        kept.append(markup[place:start])
        end = markup.find("-->", start + 4)
        if end < 0:
            return "".join(kept)
        place = end + 3
    kept.append(markup[place:])
    return _DECLARED.sub("", "".join(kept))


def to_html(text: str) -> str:
    """`text` as HTML: escaped, line ends as ``<br>``, further spaces kept."""
    kept = _EXTRA.sub("\N{NO-BREAK SPACE}", tidy(text))
    return escape(kept, quote=False).replace("\xa0", "&nbsp;").replace("\n", "<br>")


def tidy(text: str) -> str:
    """`text` with plain line ends and spaces, and none of them outside."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", " ")
    return plain.replace("\t", " ").replace("\xa0", " ").strip()
