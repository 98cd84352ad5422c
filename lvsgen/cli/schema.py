"""`lvsgen schema`: the JSON Schema of cluster.yaml, for editors."""

from __future__ import annotations

import typer

from lvsgen.cli.session import Exit, Session


def schema(context: typer.Context) -> int:
    """Print the JSON Schema of cluster.yaml.

    `lvsgen init` puts a copy beside the description, for editors. To renew it after an update of lvsgen:

    lvsgen schema > cluster.schema.json
    """
    from lvsgen.resources import read_text

    session: Session = context.obj
    session.print(read_text("schema/cluster.schema.json"))
    return Exit.CLEAN
