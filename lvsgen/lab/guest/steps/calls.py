"""Makes calls by SIP: what is of one Call-ID must keep its realserver."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lvsgen.lab.guest.clients import call, connect, error_name
from lvsgen.lab.guest.stage import Stage
from lvsgen.lab.guest.wire import Step, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls(Step):
    """`calls` Call-IDs, each used from all of `sources`, of which those with one name in `groups` are one client.

    Each call keeps its realserver within a group. `apart`: the groups of one call do not all meet the same one.
    """

    target: Target
    calls: int
    sources: tuple[str, ...]
    groups: tuple[str, ...]
    wants: tuple[str, ...]
    apart: bool


def calls(stage: Stage, step: Calls) -> None:
    """Make them, and see who answers."""
    names = [f"{stage.job.name.replace(' ', '-')}-{step.target.port}-{number}" for number in range(step.calls)]
    answers = stage.hosts[step.target.client].call(dial, step.target, names, step.sources)
    met = sorted({name for _, _, name in answers})
    causes = list(_problems(step, answers))
    stage.tell(step.subject, not causes, f"{step.calls} calls: {', '.join(met)}", "; ".join(causes))


def dial(target: Target, names: Sequence[str], sources: Sequence[str]) -> list[list[str]]:
    """Each call from each address, each request by a socket of its own: call, address, and who answers."""
    return [[name, source, _dial(target, name, source)] for name in names for source in sources]


def _dial(target: Target, name: str, source: str) -> str:
    try:
        with connect(target, target.port, source) as connection:
            return call(connection, name)[0]
    except OSError as error:
        return error_name(error)


def _problems(step: Calls, answers: Sequence[Sequence[str]]) -> Iterator[str]:
    strangers = sorted({name for _, _, name in answers} - set(step.wants))
    if strangers:
        yield f"calls end with: {', '.join(strangers)}"
        return
    groups = dict(zip(step.sources, step.groups, strict=True))
    by_call: dict[str, dict[str, set[str]]] = {}
    for dialled, source, name in answers:
        by_call.setdefault(dialled, {}).setdefault(groups[source], set()).add(name)
    for dialled, met in by_call.items():
        split = next(((group, names) for group, names in met.items() if len(names) > 1), None)
        if split:
            yield f"call {dialled} of {split[0]} meets several realservers: {', '.join(sorted(split[1]))}"
            break
    if step.apart and all(len(set.union(*met.values())) == 1 for met in by_call.values()):
        yield f"all of {', '.join(dict.fromkeys(step.groups))} are taken for one client"
