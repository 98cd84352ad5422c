"""How a comparison with the disk is told."""

from __future__ import annotations

from lvsgen.report.changes import render
from lvsgen.sums import Artifact, Change, Request, Status
from lvsgen.tree import Changeset

RULES = Artifact("lvs1", "ipvs.rules", "")
COMMAND = "lvsgen build shop"


def change(status: Status, path: str, reason: str = "why", artifact: Artifact | None = None) -> Change:
    host, _, name = path.partition("/")
    return Change(status=status, host=host, name=name, reason=reason, artifact=artifact)


def changeset(*changes: Change, force: bool = False) -> Changeset:
    request = Request(cluster="shop", hosts=("lvs1",), artifacts=(RULES,), output="shop/generated", force=force)
    return Changeset(request=request, changes=changes, bridges=())


FINE = change(Status.UNCHANGED, "lvs1/lvs.sh", "")
UPDATE = change(Status.UPDATE, "lvs1/ipvs.rules", "differs from what cluster.yaml says", RULES)
EDITED = change(Status.EDITED, "lvs1/modules.conf", "was edited by hand", Artifact("lvs1", "modules.conf", ""))
REFUSED = change(Status.REFUSED, "rs1", "is a symbolic link")
EXTRA = change(Status.UNMANAGED, "lvs1/notes.txt", "is not from lvsgen; it is left alone")


def test_in_sync() -> None:
    assert render(changeset(FINE, FINE), command=COMMAND) == "in sync: 2 unchanged\n"
    assert render(changeset(), command=COMMAND) == "in sync: no files\n"


def test_groups_in_a_fixed_order_and_the_command_last() -> None:
    gone = change(Status.DELETE, "lvs1/zzz", "is no longer generated")
    new = change(Status.CREATE, "rs1/sysctl.conf", "is not there", RULES)
    assert (
        render(changeset(gone, FINE, UPDATE, new), command=COMMAND)
        == """\
create  rs1/sysctl.conf  is not there
update  lvs1/ipvs.rules  differs from what cluster.yaml says
delete  lvs1/zzz         is no longer generated
1 to create, 1 to update, 1 to delete, 1 unchanged
run: lvsgen build shop
"""
    )


def test_what_is_in_the_way_and_how_to_give_it_up() -> None:
    assert (
        render(changeset(UPDATE, EDITED), command=COMMAND)
        == """\
edited  lvs1/modules.conf  was edited by hand
update  lvs1/ipvs.rules    differs from what cluster.yaml says
1 edited by hand, 1 to update
nothing is written while these are in the way: lvs1/modules.conf
put into cluster.yaml what is worth keeping of an edited or foreign file, then give the file up
run: lvsgen build shop --force
"""
    )


def test_what_is_refused_is_not_for_force() -> None:
    assert (
        render(changeset(EDITED, REFUSED, force=True), command=COMMAND)
        == """\
refused  rs1                is a symbolic link
edited   lvs1/modules.conf  was edited by hand
1 refused, 1 edited by hand
nothing is written while these are in the way: rs1
move what is refused elsewhere: --force does not overwrite it either
run: lvsgen build shop
"""
    )


def test_a_build_cannot_cure_an_unmanaged_file() -> None:
    assert (
        render(changeset(EXTRA, FINE), command=COMMAND)
        == """\
unmanaged  lvs1/notes.txt  is not from lvsgen; it is left alone
1 not from lvsgen, 1 unchanged
move what is not from lvsgen elsewhere: these folders hold generated files only
run: lvsgen build shop --check
"""
    )


def test_a_file_name_cannot_speak_to_the_terminal() -> None:
    text = render(changeset(change(Status.UNMANAGED, "lvs1/\x1b[2J\n\udcff")), command=COMMAND)
    assert text.startswith("unmanaged  lvs1/\\x1b[2J\\n\\udcff  why\n")
