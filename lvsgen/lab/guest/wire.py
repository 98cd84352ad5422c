"""What the lab tells its guest and what the guest answers: plain values, which cross as JSON.

A `Job` is one cluster: machines joined by segments, and steps. Each step has a `subject` (the property that it is
about, and the service, if one) and leads to results. Nothing here knows what a cluster is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

Speech: TypeAlias = Literal["text", "tls", "dns", "smtp"]
Verdict: TypeAlias = Literal["pass", "fail", "not tested"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Nic:
    """An interface of a machine and the segment (by number) that it is on. `addresses` have their prefix length."""

    device: str
    segment: int
    mac: str
    addresses: tuple[str, ...] = ()
    mtu: int = 1500


@dataclass(frozen=True, slots=True, kw_only=True)
class Responder:
    """Listens on a port of all addresses and answers who it is and whom it sees.

    `status` and `body` are of HTTP; `replies` are datagrams in hexadecimal and the answers to them.
    """

    protocol: str
    port: int
    speech: Speech = "text"
    status: int = 200
    body: str = ""
    replies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A host of the cluster (`folder` holds what was generated for it), or one that the lab plays.

    `setup` are shell lines, `files` stand-ins for files that a host has and the lab lacks, `foreign` are shell lines
    that put things on a host which lvs.sh must leave alone.
    """

    name: str
    nics: tuple[Nic, ...]
    routes: tuple[str, ...] = ()
    sysctls: Mapping[str, str] = field(default_factory=dict)
    setup: tuple[str, ...] = ()
    responders: tuple[Responder, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""
    foreign: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a result is about."""

    property: str
    service: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A service as a client reaches it. `realservers` say how each is reached, for a diagnosis."""

    client: str
    ip: str
    port: int
    protocol: str = "tcp"
    speech: Speech = "text"
    realservers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    directors: tuple[str, ...] = ()
    mark: int = 0
    held: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Apply:
    """`lvs.sh apply` on a machine. `again`: it must have nothing to do."""

    subject: Subject
    machine: str
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """`lvs.sh stop` on machines, in this order; those in `compared` must be as they were before the first apply."""

    subject: Subject
    machines: tuple[str, ...]
    compared: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who answers a broadcast for an address: exactly one of `allowed`, or nobody if there is none.

    Asked until it is so, for `seconds` at most; then for `steady` seconds it must be so at any time (`silence` is
    allowed there). `holders` are the machines of which only one may hold it, `silent` those that must not answer.
    """

    subject: Subject
    client: str
    device: str
    ip: str
    allowed: tuple[str, ...]
    directors: tuple[str, ...] = ()
    seconds: float = 0
    steady: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What `ipvsadm -Sn` of a machine must list, in `seconds`: by service, `REALSERVER weight`."""

    subject: Subject
    machine: str
    lists: Mapping[str, tuple[str, ...]]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Clients ask a service `count` times, one after the other, from the addresses `sources` in turn.

    `wants` are the realservers that must answer, each `share` times where that has a number, and no other. `tolerance`
    is how far from it a share may be. `one`: they all meet the same one. `affinity`: clients whose addresses are in one
    group (`groups`, as many as `sources`) meet one and the same, also over other `ports`. `sees` is what realservers
    must see as the source: empty means the client's own address. `held` keeps all connections open until the end.
    With `seconds` it is asked until it is so. `loops` bounds the packets that the machines named there may get for
    each time asked.
    """

    subject: Subject
    target: Target
    count: int
    sources: tuple[str, ...]
    wants: tuple[str, ...]
    share: Mapping[str, int] = field(default_factory=dict)
    tolerance: int = 0
    one: bool = False
    subset: bool = False
    affinity: bool = False
    groups: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    sees: tuple[str, ...] = ()
    held: bool = False
    one_socket: bool = False
    seconds: float = 0
    loops: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """Clients send so many bytes and must be told that all have arrived, by each of `wants`."""

    subject: Subject
    target: Target
    size: int
    sources: tuple[str, ...]
    wants: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Responders:
    """Ends all responders of a machine, or starts them (again); with `status` they go on with that HTTP status."""

    subject: Subject
    machine: str
    up: bool
    status: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """All links of a machine go down, or come back."""

    subject: Subject
    machine: str
    up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A connection that stays: opened (`open`), or used once more, when the same realserver must answer on it."""

    subject: Subject
    target: Target
    source: str
    name: str
    open: bool


Step: TypeAlias = Apply | Stop | Owner | Table | Ask | Upload | Responders | Links | Connection
_STEPS = {one.__name__: one for one in (Apply, Stop, Owner, Table, Ask, Upload, Responders, Links, Connection)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One cluster in the lab. `modules` are loaded first. `ephemeral` settings are in no comparison."""

    name: str
    segments: int
    machines: tuple[Machine, ...]
    modules: tuple[str, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was seen, and on failure what is wrong."""

    job: str
    subject: Subject
    verdict: Verdict
    seen: str
    cause: str = ""


def encode(job: Job) -> dict[str, Any]:
    """A job as plain values; every step says of which kind it is."""
    plain = asdict(job)
    for step, data in zip(job.steps, plain["steps"], strict=True):
        data["kind"] = type(step).__name__
    return plain


def decode(plain: Mapping[str, Any]) -> Job:
    """The job that `encode` was given. Tuples have become lists, which nobody changes."""
    return Job(
        name=plain["name"],
        segments=plain["segments"],
        machines=tuple(
            Machine(
                **{
                    **one,
                    "nics": tuple(Nic(**nic) for nic in one["nics"]),
                    "responders": tuple(Responder(**responder) for responder in one["responders"]),
                }
            )
            for one in plain["machines"]
        ),
        modules=tuple(plain["modules"]),
        steps=tuple(_step(one) for one in plain["steps"]),
    )


def _step(data: Mapping[str, Any]) -> Step:
    fields = {key: value for key, value in data.items() if key != "kind"}
    fields["subject"] = Subject(**fields["subject"])
    if "target" in fields:
        fields["target"] = Target(**fields["target"])
    made: Step = _STEPS[data["kind"]](**fields)
    return made


def decode_result(plain: Mapping[str, Any]) -> Result:
    """A result from the plain values that `asdict` makes of it."""
    return Result(**{**plain, "subject": Subject(**plain["subject"])})
