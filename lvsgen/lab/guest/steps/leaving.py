"""A realserver is drained while it has a client: the client's next connection must go elsewhere."""

from __future__ import annotations

import time
from dataclasses import dataclass

from lvsgen.lab.guest import clients
from lvsgen.lab.guest.stage import Stage
from lvsgen.lab.guest.wire import Step, Target

_PORT = 1717
"""The client's own port; clients behind one translated address use one again soon."""

_CLOSED = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving(Step):
    """A client asks; the realserver that answered gets weight 0 on all directors, and the client asks again, from the
    same port if it `reuses` it. `service` is how ipvsadm names the service; `destinations` are its realservers by
    machine, with all that `ipvsadm -e` needs: `REALSERVER METHOD WEIGHT`, and thresholds if there are any.
    """

    target: Target
    source: str
    service: str
    destinations: dict[str, str]
    reuses: bool


def leaving(stage: Stage, step: Leaving) -> None:
    """Ask, drain, ask again, and give the realserver its weight back."""
    client = stage.hosts[step.target.client]
    # Else the kernel of the client itself would keep the port in TIME-WAIT and not let it be used again so soon.
    before = client.must("cat /proc/sys/net/ipv4/tcp_max_tw_buckets; echo 0 >/proc/sys/net/ipv4/tcp_max_tw_buckets")
    first = client.call(clients.ask_from, step.target, step.source, _PORT)
    if first not in step.destinations:
        stage.tell(step.subject, False, first, "a realserver of it must answer")
        return
    place, method, weight, *limits = step.destinations[first].split()
    for name in step.target.directors:
        stage.hosts[name].must(f"ipvsadm -e {step.service} -r {place} {method} {' '.join(limits)} -w 0")
    time.sleep(_CLOSED)
    again = _PORT if step.reuses else _PORT + 1
    then = client.call(clients.ask_from, step.target, step.source, again)
    for name in step.target.directors:
        stage.hosts[name].must(f"ipvsadm -e {step.service} -r {place} {method} {' '.join(limits)} -w {weight}")
    client.must(f"echo {before} >/proc/sys/net/ipv4/tcp_max_tw_buckets")
    good = then in step.destinations and then != first
    cause = f"a client of {first} came back to it after it was drained" if then == first else "another one must answer"
    stage.tell(step.subject, good, f"{first}, and {then} once it is drained", cause)
