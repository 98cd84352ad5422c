"""The stages put together: takes a path, returns a `Compilation` with everything that later output is made of.

`check` stops after the rules; `compile` goes on to the generated files, unless there is an error: a file that is
generated from a description with an error would be wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, BinaryIO

from lvsgen import expiry, overrides, rules, schema, source, waivers
from lvsgen.bind import bind
from lvsgen.diagnostics import Diagnostic, Finding, Severity

if TYPE_CHECKING:
    from lvsgen.model import Cluster
    from lvsgen.plan.host import HostPlan
    from lvsgen.source.document import Description
    from lvsgen.sums import Artifact


@dataclass(frozen=True, slots=True, kw_only=True)
class Compilation:
    """What became of one description.

    `cluster` is None where too little of it is left to judge. `plans` are those of all hosts, `artifacts` the files of
    the managed ones; both are empty after `check`, and wherever there is an error.
    """

    description: Description
    diagnostics: tuple[Diagnostic, ...]
    cluster: Cluster | None = None
    plans: tuple[HostPlan, ...] = ()
    artifacts: tuple[Artifact, ...] = ()

    @property
    def has_errors(self) -> bool:
        """Whether nothing may be built from it."""
        return any(one.severity is Severity.ERROR for one in self.diagnostics)

    @property
    def complete(self) -> bool:
        """Whether a cluster has come out of it, without an error."""
        return self.cluster is not None and not self.has_errors

    @property
    def managed(self) -> tuple[str, ...]:
        """The hosts that get a folder."""
        return tuple(host.name for host in self.cluster.hosts if host.managed) if self.cluster else ()


def check(path: str, *, stdin: BinaryIO | None = None, as_of: date | None = None) -> Compilation:
    """Read and judge the description at `path` (`-`: standard input). `as_of` judges what expires."""
    description, unreadable = source.read(path, stdin)
    findings: list[Finding] = []
    cluster: Cluster | None = None
    judged: set[str] = set()
    if description.documents:
        findings += schema.check(description)
        # The schema has reported whatever is no mapping.
        root, *others = ((one.name, one.data) for one in description.documents)
        if isinstance(root[1], dict):
            usable = (root, *(one for one in others if isinstance(one[1], dict)))
            cluster, unbound = bind(usable, tuple(finding.place for finding in findings))
            findings += unbound
    if cluster is not None:
        findings += rules.check(cluster)
        judged |= {rule.code for rule in rules.RULES}
        if not cluster.partial and all(finding.severity is not Severity.ERROR for finding in findings):
            findings += overrides.check(cluster)
            judged |= overrides.NAMES.keys()
        if as_of:
            findings += expiry.check(cluster, as_of)
            judged |= expiry.NAMES.keys()
    # A mistake in `defaults` is found once for each service that takes it from there.
    located = tuple(dict.fromkeys((*unreadable, *map(description.locate, findings))))
    known = {
        **{rule.code: rule.name for rule in rules.RULES},
        **overrides.NAMES,
        **expiry.NAMES,
        **{one.code: one.name for one in located},
    }
    judged |= {one.code for one in located}
    if cluster is None or cluster.partial or unreadable:
        judged.clear()  # what was left out may hold what a waiver is about
    left = waivers.apply(description, located, known, judged=judged)
    return Compilation(description=description, diagnostics=left, cluster=cluster)


def compile(path: str, *, stdin: BinaryIO | None = None) -> Compilation:
    """Read and judge the description at `path`, and make the files of all managed hosts from it."""
    from lvsgen.plan import derive
    from lvsgen.targets import artifacts

    checked = check(path, stdin=stdin)
    if checked.cluster is None or checked.has_errors:
        return checked
    plans = derive(checked.cluster)
    made = tuple(artifact for plan in plans if plan.host.managed for artifact in artifacts(plan))
    return replace(checked, plans=plans, artifacts=made)
