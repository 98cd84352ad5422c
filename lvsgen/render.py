"""Render: a view -> text. The only module that knows jinja2."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined

from lvsgen.resources import read_text


@cache
def _environment() -> Environment:
    return Environment(
        loader=FunctionLoader(lambda name: read_text(f"templates/{name}")),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        # The output is configuration for other programs: what could harm them is refused before, not escaped here.
        autoescape=False,
    )


def render(template: str, view: Mapping[str, Any]) -> str:
    """The text of a template; a file that is no template (`lvs.sh`) is taken as it is."""
    if not template.endswith(".j2"):
        return read_text(f"templates/{template}")
    return _environment().get_template(template).render(view)
