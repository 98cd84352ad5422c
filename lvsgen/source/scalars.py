"""What a plain (unquoted) YAML scalar means: the core schema of YAML 1.2.2, section 10.3.2, and nothing else.

So `yes`, `no`, `on` and `1:30` are texts, `017` is 17, and dates stay texts.
"""

from __future__ import annotations

import re

_NOTHING = frozenset(("", "~", "null", "Null", "NULL"))
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_STARTS_OTHER = frozenset("0123456789+-.~nNtTfF")
_LONGEST_NUMBER = 40
"""No number of a cluster has more characters; Python refuses to print integers of thousands of digits."""


def resolve(text: str) -> str | int | float | bool | None:
    """The value of a plain scalar."""
    if text and text[0] not in _STARTS_OTHER:
        return text
    if text in _NOTHING:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if len(text) <= _LONGEST_NUMBER:
        if _INTEGER.fullmatch(text):
            return _integer(text)
        if _FLOAT.fullmatch(text):
            return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text


def _integer(text: str) -> int:
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    return int(text if base == 10 else text[2:], base)


def key_text(text: str) -> str | None:
    """The key that a plain scalar makes: integers in decimal, other numbers as written, None for `true` and `null`."""
    value = resolve(text)
    if value is None or isinstance(value, bool):
        return None
    return str(value) if isinstance(value, int) else text
