"""Words for the syntax errors of libyaml: what it says, and for common mistakes what the author most likely did.

Takes the text, libyaml's problem and context with their offsets; returns a `Syntax` with the offsets to underline.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lvsgen.diagnostics import quote

_IPV6 = re.compile(r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,8}(?:\.[0-9.]+)?(?:/[0-9]{1,3})?")
_CONFLICT = re.compile(r"^<{7} .*$", re.MULTILINE)
_WORD = re.compile(r"[^\s,\[\]{}\"']*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Syntax:
    """A syntax error: message, help, the offsets it is about, and the offset where the broken construct began.

    `replacement` is what the characters between the offsets should be, if that is sure.
    """

    message: str
    help: str = ""
    start: int
    end: int
    context: tuple[int, str] | None = None
    replacement: str = ""


_HELP = {
    "mapping values are not allowed in this context": (
        "a `key: value` cannot stand here",
        "put text that has `: ` in quotes, and give all keys of a mapping the same indentation",
    ),
    "could not find expected ':'": ("expected `key: value`, but the line has no `: `", "put a space after the colon"),
    "did not find expected key": (
        "expected another key of this mapping",
        "keys of one mapping have the same indentation; text after a closing quote or bracket is not allowed",
    ),
    "did not find expected '-' indicator": (
        "expected another `- ` item of this list",
        "items of one list have the same indentation; a key may not follow them there",
    ),
    "did not find expected ',' or ']'": ("expected `,` or `]`: the list is not closed", "close the list with `]`"),
    "did not find expected ',' or '}'": ("expected `,` or `}`: the mapping is not closed", "close it with `}`"),
    "block sequence entries are not allowed in this context": (
        "a `- ` item cannot stand here",
        "begin a list on the line after its key, or write it as `[a, b]`",
    ),
    "did not find expected <document start>": ("expected the end of the file", "one file holds one YAML document"),
    "found unknown escape character": (
        "unknown escape in double quotes",
        "write `\\\\` for a backslash, or use single quotes",
    ),
    "did not find expected comment or line break": (
        "text after `|` or `>`",
        "begin the text on the next line, or put it in quotes",
    ),
    "found undefined tag handle": ("tags are not supported", "put text that begins with `!` in quotes"),
    "found incompatible YAML document": ("only YAML 1.2 is understood", "remove the line that begins with `%YAML`"),
    "found unexpected ':'": ("a `:` within unquoted text between brackets", "put the text in quotes"),
}


_BEGINS = {
    "flow sequence": "this list begins here",
    "block collection": "this list begins here",
    "flow mapping": "this mapping begins here",
    "block mapping": "this mapping begins here",
}


def describe(text: str, problem: str, at: int, context: str, context_at: int | None) -> Syntax:
    """Words and offsets for an error that libyaml found at the offset `at`."""
    conflict = _CONFLICT.search(text)
    if conflict is not None:
        return Syntax(
            message="a merge conflict was left here",
            help="keep what is right of both sides, and delete the lines of `<<<<<<<`, `=======` and `>>>>>>>`",
            start=conflict.start(),
            end=conflict.end(),
        )
    at = min(at, len(text))
    end = min(at + 1, len(text))
    if "plain scalar" in context or "flow node" in context:
        address = _address_around(text, at if context_at is None else context_at)
        if address is not None:
            found = quote(address.group())
            quoted = f'"{address.group()}"'
            return Syntax(
                message=f"the address {found} must be quoted between brackets: YAML takes its colons for keys",
                help=f"write {quoted}",
                replacement=quoted if text[address.start() - 1] in " ,[{" else "",
                start=address.start(),
                end=address.end(),
            )
    if problem == "found unexpected end of stream" and context_at is not None:
        message = "the quotes that open here are never closed"
        return Syntax(message=message, help="close the quotes", start=context_at, end=context_at + 1)
    if problem == "found character that cannot start any token" and at < len(text):
        message, help_ = _bad_start(text[at])
        return Syntax(message=message, help=help_, start=at, end=end)
    if problem == "did not find expected alphabetic or numeric character":
        message = f"{quote(text[at - 1])} begins an anchor or an alias, and no name follows"
        return Syntax(message=message, help="put the text in quotes", start=at - 1, end=at)
    if problem == "did not find expected node content" and at < len(text):
        message = f"expected a value, found {quote(text[at])}"
        return Syntax(
            message=message, help="text that begins with a bracket or comma must be quoted", start=at, end=end
        )
    message, help_ = _HELP.get(problem, (problem, ""))
    label = next((words for kind, words in _BEGINS.items() if kind in context), "it begins here")
    opened = None if context_at is None or context_at == at else (context_at, label)
    return Syntax(message=message, help=help_, start=at, end=end, context=opened)


def _address_around(text: str, start: int) -> re.Match[str] | None:
    """The IPv6 address that the word at `start` is or ends with (`eth1:2001:db8::1`)."""
    word = _WORD.match(text, start)
    end = word.end() if word else start
    for offset in range(start, min(end, start + 64)):
        found = _IPV6.match(text, offset)
        if found is None or found.end() != end or text[offset - 1].isalnum():
            continue
        address = found.group()
        if address.startswith("::") or (address[0] != ":" and ("::" in address or address.count(":") == 7)):
            return found
    return None


def _bad_start(character: str) -> tuple[str, str]:
    """Words for a character that no unquoted text may begin with."""
    if character == "\t":
        return "a tab indents this line", "YAML allows only spaces for indentation"
    shown = "a backtick" if character == "`" else quote(character)
    return f"unquoted text cannot begin with {shown}", "put the text in quotes"
