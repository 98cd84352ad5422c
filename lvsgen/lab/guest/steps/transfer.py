"""Fetches files by FTP: data connections must reach the realserver of their control connection."""

from __future__ import annotations

from dataclasses import dataclass

from lvsgen.lab.guest import diagnosis, ftp
from lvsgen.lab.guest.stage import Stage
from lvsgen.lab.guest.wire import Step, Target

_ENOUGH = 8
"""Addresses to fetch from, where not every realserver has served one of them before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(Step):
    """A file in each of `modes`, from one of `sources` after the other, until all of `wants` have sent theirs.

    `sees` is what realservers may see as the source of passive data connections: empty means the client's own address.
    """

    target: Target
    modes: tuple[str, ...]
    sources: tuple[str, ...]
    wants: tuple[str, ...]
    sees: tuple[str, ...] = ()


def transfer(stage: Stage, step: Transfer) -> None:
    """Fetch, and see from where the files come."""
    client = stage.hosts[step.target.client]
    met: dict[str, None] = {}
    wrong: list[list[str]] = []
    for source in step.sources[:_ENOUGH]:
        fetched = client.call(ftp.fetch, step.target, source, step.modes, step.sees)
        met |= dict.fromkeys(control for _, control, _, _ in fetched if control)
        wrong += [one for one in fetched if one[3]]
        if wrong or set(met) >= set(step.wants):
            break
    failed = {mode for mode, _, _, _ in wrong}
    seen = ", ".join(f"{mode} {'fails' if mode in failed else 'works'}" for mode in step.modes)
    causes = [f"{mode} through {control or 'nobody'}: {problem}" for mode, control, _, problem in wrong]
    if wrong:
        active = not failed <= set(ftp.PASSIVE)
        astray = any(problem.startswith(ftp.ASTRAY) for _, _, _, problem in wrong)
        causes += diagnosis.no_data(stage.hosts, step.target, active=active, astray=astray)
    stage.tell(step.subject, not wrong, f"{seen} ({', '.join(sorted(met)) or 'nobody'})", "; ".join(causes))
