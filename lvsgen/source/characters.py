"""Characters that a description may not hold, because a reader cannot see them or tools disagree about them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]"
)
"""Control characters (YAML 1.2.2, section 5.1), line breaks of YAML 1.1 only, invisible direction marks, a late BOM."""
_SAFE_ASCII = bytes(range(0x20, 0x7F)) + b"\t\n\r"


@dataclass(frozen=True, slots=True)
class Forbidden:
    """A character that must not be there, in words, and what to do."""

    offset: int
    words: str
    help: str


def forbidden(text: str) -> Forbidden | None:
    """The first forbidden character of a text."""
    if text.isascii() and not text.encode("ascii").translate(None, _SAFE_ASCII):
        return None
    found = _FORBIDDEN.search(text)
    if found is None:
        return None
    character = found.group()
    name = unicodedata.name(character, "control character").lower()
    return Forbidden(found.start(), f"the character U+{ord(character):04X} ({name})", "remove it: nobody can see it")
