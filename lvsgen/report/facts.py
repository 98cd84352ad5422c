"""What `check` says about a cluster that nothing is wrong with: a few numbers worth knowing, as one line."""

from __future__ import annotations

from lvsgen.model import Cluster


def render(cluster: Cluster) -> str:
    """The line, without a line break."""
    parts = [
        f"{cluster.name}: " + _count(len(cluster.directors), "director"),
        _count(len(cluster.realservers), "realserver"),
        f"{_count(len(cluster.services), 'service')} ({len(cluster.virtual_services)} virtual)",
        f"the IPVS table is written by {'lvs.sh' if cluster.ipvs.writer == 'script' else 'keepalived'}",
    ]
    if (worst := worst_detection(cluster)) is not None:
        parts.append(f"a realserver that hangs is out after {worst:g} s at worst")
    if lines := raw_lines(cluster):
        parts.append(f"{_count(lines, 'raw line')} of keepalived.conf")
    return ", ".join(parts)


def worst_detection(cluster: Cluster) -> float | None:
    """Seconds until the slowest check has taken a realserver out; None without checks."""
    members = (member for service in cluster.services for member in service.members)
    return max((check.timing.worst_detection for member in members for check in member.checks), default=None)


def raw_lines(cluster: Cluster) -> int:
    """Lines of keepalived.conf that lvsgen takes as they are, and so cannot judge."""
    texts = [
        cluster.keepalived.global_text,
        cluster.keepalived.instance_text,
        *(s.keepalived for s in cluster.services),
    ]
    return sum(1 for text in texts for line in text.splitlines() if line.strip())


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
