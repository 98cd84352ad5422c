"""Values as text of keepalived.conf, such that none can become another setting.

How keepalived 2.2.7 reads a line (lib/parser.c): lines are cut after 1023 bytes and the rest is a line of its own
(`read_line`, MAXBUF); `#` and `!` begin a comment and a backslash at the end continues a line, even in a comment
(`decomment`); `$NAME` is replaced, even in quotes (`replace_param`); `{` and `}` outside of double quotes end the line.
Then most keywords take words or double-quoted strings without any escape (`alloc_strvec_r`); regular expressions also
know backslash escapes (`alloc_strvec_quoted_escaped`), and commands are read that way twice: once for the quoted string
and once for its words (`set_script_params_array`). Octal escapes have a fixed length, hexadecimal ones do not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

LONGEST_LINE = 1000
"""Bytes of a setting that fits, with its indentation, in the 1023 that keepalived reads at once."""

_LONGEST_COMMENT = 240
_SHORT = _LONGEST_COMMENT // 4
_REFUSED = "_is_too_long_for_keepalived"
_NOT_IN_KEYWORD = re.compile(r"[^A-Za-z0-9_]")
_PLAIN_WORD = re.compile(r"[A-Za-z0-9_./:%+,=?&;*()\[\]-][A-Za-z0-9_./:@%+,=?&;*()\[\]-]*")
_NOT_IN_QUOTES = re.compile(r'["\\${}\x00-\x1f\x7f]')
_PLAIN_ARGUMENT = re.compile(r"[A-Za-z0-9_./:@%+,=-]+")
_IN_QUOTES = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./:@%+,=- ;&|<>()*?[]^~#!")
_IN_URL = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?[]@!&'()*+,;=%")


def comment(text: str) -> str:
    """One line for people, to stand after `#`."""
    if not text.isprintable() or "\\" in text:
        text = "".join(c if c.isprintable() and c != "\\" else " " for c in text)
    line = " ".join(text.split())
    return line if len(line) <= _SHORT else line.encode()[:_LONGEST_COMMENT].decode(errors="ignore")


def setting(keyword: str, value: str = "") -> str:
    """A keyword and its value. For a line that keepalived would cut in two, a keyword that it refuses instead."""
    line = f"{keyword} {value}" if value else keyword
    if len(line.encode()) > LONGEST_LINE:
        return _NOT_IN_KEYWORD.sub("", line.lstrip().split(" ")[0])[:40] + _REFUSED
    return line


def is_refused(line: str) -> bool:
    """Whether a setting did not fit. Without its settings a checker can crash keepalived: it must go as a whole."""
    return line.endswith(_REFUSED)


def word(text: str) -> str:
    """A value that keepalived takes as it is: plain, or in double quotes, where nothing can be escaped."""
    if _PLAIN_WORD.fullmatch(text):
        return text
    return '"' + _NOT_IN_QUOTES.sub("_", text) + '"'


def url_path(text: str) -> str:
    """The path of a URL, with everything percent-encoded (RFC 3986) that keepalived or HTTP would trip over."""
    return '"' + "".join(chr(b) if b in _IN_URL else f"%{b:02X}" for b in text.encode()) + '"'


def regex(text: str) -> str:
    """A regular expression as a double-quoted string with octal escapes."""
    return '"' + _escaped(text, "\\") + '"'


def command(arguments: Sequence[str]) -> str:
    """A program and its arguments as one string: no shell, every argument arrives as it was written."""
    return '"' + " ".join(_argument(one) for one in arguments) + '"'


def _argument(text: str) -> str:
    if _PLAIN_ARGUMENT.fullmatch(text):
        return text
    return "'" + _escaped(text, "\\\\") + "'"


def _escaped(text: str, backslash: str) -> str:
    return "".join(chr(b) if b in _IN_QUOTES else f"{backslash}{b:03o}" for b in text.encode() if b)
