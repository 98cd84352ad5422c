"""What the lab tells its guest and what the guest answers: plain values, which cross as JSON.

A `Job` is one cluster: machines joined by segments, and steps. Each step has a `subject` (the property that it is
about, and the service, if one) and leads to results. Nothing here knows what a cluster is, nor which kinds of steps
there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

Speech: TypeAlias = Literal["text", "tls", "dns", "smtp", "ftp", "sip"]
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
    """Listens on a port of all addresses and answers who it is and whom it sees; `bfd` is a neighbour at the address
    that `body` holds.

    `status` and `body` are of HTTP; `replies` are datagrams in hexadecimal and the answers to them; `data` are the
    first and the last port of passive FTP. `known` is what it has been told of, if anything: paths of HTTP with the
    host that they belong to, or names of DNS with a type. `sni`: a TLS client must say whom it wants.
    """

    protocol: str
    port: int
    speech: Speech = "text"
    status: int = 200
    body: str = ""
    replies: Mapping[str, str] = field(default_factory=dict)
    data: tuple[int, int] = (0, 0)
    known: Mapping[str, str] = field(default_factory=dict)
    sni: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A host of the cluster, or one that the lab plays.

    `folder` holds what was generated for it, and `shell` runs `lvs.sh`. `setup` are shell lines, `files` stand-ins for
    files that a host has and the lab lacks, `foreign` are shell lines that put things on a host which lvs.sh must leave
    alone.
    """

    name: str
    nics: tuple[Nic, ...]
    routes: tuple[str, ...] = ()
    sysctls: Mapping[str, str] = field(default_factory=dict)
    setup: tuple[str, ...] = ()
    responders: tuple[Responder, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""
    shell: str = "sh"
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
class Step:
    """Something that is done or asked, and the subject of its results. Each kind is a class of its own (`steps`)."""

    subject: Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One cluster in the lab. `modules` are wanted, options after a space. `until_failure`: what comes after a failure
    is left out. With a `spool` the machines stay after the last step, for visitors.
    """

    name: str
    segments: int
    machines: tuple[Machine, ...]
    modules: tuple[str, ...]
    steps: tuple[Step, ...]
    until_failure: bool = False
    spool: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was seen, and on failure what is wrong. `seconds` have gone by since the result before it."""

    job: str
    subject: Subject
    verdict: Verdict
    seen: str
    cause: str = ""
    seconds: float = 0


def encode(job: Job) -> dict[str, Any]:
    """A job as plain values; every step says of which kind it is."""
    plain = asdict(job)
    for step, data in zip(job.steps, plain["steps"], strict=True):
        data["kind"] = type(step).__name__
    return plain


def decode(plain: Mapping[str, Any], kinds: Mapping[str, type[Step]]) -> Job:
    """The job that `encode` was given; `kinds` are the steps by name. Tuples have become lists."""
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
        steps=tuple(_step(one, kinds) for one in plain["steps"]),
        until_failure=plain["until_failure"],
        spool=plain["spool"],
    )


def _step(data: Mapping[str, Any], kinds: Mapping[str, type[Step]]) -> Step:
    fields = {key: value for key, value in data.items() if key != "kind"}
    fields["subject"] = Subject(**fields["subject"])
    if "target" in fields:
        fields["target"] = Target(**fields["target"])
    return kinds[data["kind"]](**fields)


def decode_result(plain: Mapping[str, Any]) -> Result:
    """A result from the plain values that `asdict` makes of it."""
    return Result(**{**plain, "subject": Subject(**plain["subject"])})
