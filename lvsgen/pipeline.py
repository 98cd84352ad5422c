"""The stages put together: takes a path, returns a `Compilation` with everything that later output is made of.

`check` stops after the rules; `compile` goes on to the generated files, unless there is an error: a file that is
generated from a description with an error would be wrong. `check_all` and `compile_all` take the descriptions of one
call together: some rules compare them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, BinaryIO

from lvsgen import expiry, overrides, rules, schema, source, waivers
from lvsgen.bind import bind
from lvsgen.catalogue import FUNDAMENTAL, catalogue
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


@dataclass(frozen=True, slots=True)
class _Read:
    """A description, what reading and binding it has found, and what it binds to."""

    description: Description
    unreadable: tuple[Diagnostic, ...]
    findings: tuple[Finding, ...]
    cluster: Cluster | None

    @property
    def is_whole(self) -> bool:
        """Whether nothing was left out that a waiver may be about."""
        return self.cluster is not None and not self.cluster.partial and not self.unreadable


def check(path: str, *, stdin: BinaryIO | None = None, as_of: date | None = None) -> Compilation:
    """Read and judge the description at `path` (`-`: standard input). `as_of` judges what expires."""
    return check_all((path,), stdin=stdin, as_of=as_of)[0]


def check_all(
    paths: Sequence[str],
    *,
    stdin: BinaryIO | None = None,
    as_of: date | None = None,
    instead: Mapping[str, str] | None = None,
) -> tuple[Compilation, ...]:
    """The same for several descriptions, in the order of `paths`, and what two of them must not both have.

    A conflict of two clusters stands in the one whose path sorts last, whatever the order of `paths`. `instead` has
    texts by the names of files, to read in their place.
    """
    read = [_read(path, stdin, instead) for path in paths]
    order = sorted((i for i, one in enumerate(read) if one.cluster is not None), key=lambda i: paths[i])
    found = rules.check_all(cluster for i in order if (cluster := read[i].cluster) is not None)
    by_rules = dict(zip(order, found, strict=True))
    everything = _together(tuple(one.description for one in read))
    return tuple(
        _judged(one, by_rules.get(i, ()), everything, as_of=as_of, alone=len(order) < 2) for i, one in enumerate(read)
    )


def _read(path: str, stdin: BinaryIO | None, instead: Mapping[str, str] | None) -> _Read:
    description, unreadable = source.read(path, stdin, instead)
    findings: list[Finding] = []
    cluster: Cluster | None = None
    if description.documents:
        findings += schema.check(description)
        # The schema has reported whatever is no mapping.
        root, *others = ((one.name, one.data) for one in description.documents)
        if isinstance(root[1], dict):
            usable = (root, *(one for one in others if isinstance(one[1], dict)))
            cluster, unbound = bind(usable, tuple(finding.place for finding in findings))
            findings += unbound
    return _Read(description, unreadable, tuple(findings), cluster)


def _together(descriptions: tuple[Description, ...]) -> Description:
    """All descriptions as one, in which any place of any of them can be found."""
    documents = {one.name: one for description in descriptions for one in description.documents}
    texts = {name: text for description in descriptions for name, text in description.texts.items()}
    return source.Description(documents=tuple(documents.values()), texts=texts)


def _judged(
    read: _Read, by_rules: tuple[Finding, ...], everything: Description, *, as_of: date | None, alone: bool
) -> Compilation:
    """What is left to say about one description when waivers have been heard."""
    cluster, description = read.cluster, read.description
    findings = [*read.findings, *by_rules]
    judged: set[str] = set()
    if cluster is not None:
        judged |= {rule.code for rule in rules.RULES if not (rule.across and alone)}
        if not cluster.partial and all(finding.severity is not Severity.ERROR for finding in findings):
            findings += overrides.check(cluster)
            judged |= overrides.NAMES.keys()
        if as_of:
            findings += expiry.check(cluster, as_of)
            judged |= expiry.NAMES.keys()
    # A mistake in `defaults` is found once for each service that takes it from there, one behind an anchor for each
    # alias: then only the subject differs.
    told: dict[Diagnostic, Diagnostic] = {}
    for one in (*read.unreadable, *map(everything.locate, findings)):
        told.setdefault(replace(one, subject=""), one)
    located = tuple(told.values())
    # What reading says of a value, the schema need not say again.
    refused = {one.location for one in read.unreadable}
    located = tuple(one for one in located if one.location not in refused or one in read.unreadable)
    known = {entry.code: entry.name for entry in catalogue()}
    # What no waiver helps against has no use for one.
    judged |= FUNDAMENTAL | waivers.NAMES.keys() | {one.code for one in located}
    if not read.is_whole:
        judged.clear()  # what was left out may hold what a waiver is about
    left = waivers.apply(description, located, known, judged=judged)
    return Compilation(description=description, diagnostics=left, cluster=cluster)


def compile(path: str, *, stdin: BinaryIO | None = None) -> Compilation:
    """Read and judge the description at `path`, and make the files of all managed hosts from it."""
    return compile_all((path,), stdin=stdin)[0]


def compile_all(paths: Sequence[str], *, stdin: BinaryIO | None = None) -> tuple[Compilation, ...]:
    """The same for several descriptions, in the order of `paths`. Each of them without an error gets its files."""
    return tuple(map(with_files, check_all(paths, stdin=stdin)))


def with_files(checked: Compilation) -> Compilation:
    """The same, with the files of all managed hosts; without any if there is an error."""
    from lvsgen.plan import derive
    from lvsgen.targets import artifacts

    if checked.cluster is None or checked.has_errors:
        return checked
    plans = derive(checked.cluster)
    made = tuple(artifact for plan in plans if plan.host.managed for artifact in artifacts(plan))
    return replace(checked, plans=plans, artifacts=made)
