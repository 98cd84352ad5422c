"""`lvsgen explain`: what a code means, why it matters, and what to write instead."""

from __future__ import annotations

from typing import Annotated

import typer

from lvsgen.cli.codes import complete_code, unknown
from lvsgen.cli.session import ColorChoice, Exit, Session, wants_color


def explain(
    context: typer.Context,
    word: Annotated[
        str | None,
        typer.Argument(
            metavar="[CODE]",
            show_default=False,
            autocompletion=complete_code,
            help="A code, a name, or the beginning of one: LVS201, port-mapping, LVS2. Default: all codes.",
        ),
    ] = None,
    color: Annotated[ColorChoice, typer.Option(help="Whether to colour what is printed.")] = "auto",
) -> int:
    """Explain a code: what it finds, why, an example, and what to write instead.

    A beginning that fits several lists them. Exit codes: 0 explained, 2 no such code.
    """
    from lvsgen.catalogue import catalogue, matching
    from lvsgen.report import explanation

    session: Session = context.obj
    colored = wants_color(color, session.stdout)
    found = catalogue() if word is None else matching(word)
    if not found:
        raise unknown(word or "")
    if len(found) == 1:
        session.print(explanation.render(found[0], colored))
    else:
        session.print(explanation.listing(found, colored))
    return Exit.CLEAN
