"""Descriptions with a mistake, built for the guest: the example of a rule, as its documentation has it, or a change of
it. An error stops `lvsgen build`; here the files are made all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lvsgen import rules
from lvsgen.bind import bind
from lvsgen.plan import derive
from lvsgen.rules.documentation import complete, documentation
from lvsgen.source import read_text
from lvsgen.targets import artifacts

_PREEMPT = ("engine: keepalived", "engine: keepalived\n  preempt: always")
CHANGES: Mapping[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "LVS118": ("LVS118", (_PREEMPT, ("vrid: 52}", "vrid: 52, order: [lvs2, lvs1]}"))),
    "LVS502": ("LVS502", ()),
    "LVS504": ("LVS504", (_PREEMPT,)),
    "LVS504-not": ("LVS504", (_PREEMPT, ("lvs1: 150", "lvs1: 200"))),
    "LVS565": ("LVS565", ()),
    "LVS565-mixed": ("LVS565", (("vrid: 51}  #", "vrid: 51, transport: multicast}  #"),)),
    "LVS566": ("LVS566", ()),
}
"""By the name of the scene: the rule whose example it is, and what is written instead of what in it."""

_RULES = {rule.code: rule for rule in rules.RULES}


def text(scene: str) -> list[str]:
    """Its descriptions: one, or one of each cluster."""
    code, changes = CHANGES[scene]
    example = complete(documentation(_RULES[code]).example)
    for old, new in changes:
        assert old in example, scene
        example = example.replace(old, new)
    return example.split("---\n")


def write(folder: Path) -> None:
    """The keepalived.conf of every director, in FOLDER/SCENE/DIRECTOR."""
    for scene in CHANGES:
        for part in text(scene):
            _build(part, folder / scene)


def _build(text: str, folder: Path) -> None:
    description, unreadable = read_text(text, "cluster.yaml")
    assert not unreadable, unreadable
    cluster, _ = bind(((one.name, one.data) for one in description.documents), ())
    assert cluster is not None
    for plan in derive(cluster):
        for artifact in artifacts(plan):
            if artifact.name == "keepalived.conf":
                (folder / plan.host.name).mkdir(parents=True)
                (folder / plan.host.name / artifact.name).write_text(artifact.text)
