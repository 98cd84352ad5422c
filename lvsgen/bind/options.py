"""What the root file says of the cluster as a whole: table, notify, sysctls, secrets, raw text, expectations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from lvsgen.bind.context import Context
from lvsgen.bind.hosts import as_list
from lvsgen.bind.values import address, seconds
from lvsgen.model import (
    AddressKey,
    Email,
    Ipvs,
    Notify,
    PacketTest,
    Protocol,
    RawKeepalived,
    Role,
    Secret,
    SysctlOverride,
    Timeouts,
)


def command(value: Any) -> tuple[str, ...]:
    """A program as an argument list; never a shell line."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(str(argument) for argument in value)


def bind_ipvs(context: Context, checked: bool) -> Ipvs:
    """The table. Who writes it follows from whether any service has a check."""
    data: Mapping[str, Any] = context.root.get("ipvs") or {}
    timeouts = data.get("timeouts")
    return Ipvs(
        writer=data.get("writer") or ("keepalived" if checked else "script"),
        pinned=data.get("writer") is not None,
        timeouts=Timeouts(**{key: int(seconds(value)) for key, value in timeouts.items()}) if timeouts else None,
        table_bits=data.get("table_bits"),
        place=context.root_place.at("ipvs"),
    )


def bind_notify(context: Context) -> Notify:
    """Commands and mail."""
    data: Mapping[str, Any] = context.root.get("notify") or {}
    email: Mapping[str, Any] | None = data.get("email")
    return Notify(
        failover=command(data.get("failover")),
        quorum=command(data.get("quorum")),
        realserver=command(data.get("realserver")),
        user=data.get("user") or "",
        email=Email(
            to=tuple(text for text, _ in as_list(email.get("to"))),
            sender=email.get("from") or "",
            server=str(email.get("server") or ""),
        )
        if email
        else None,
    )


def bind_sysctls(context: Context) -> tuple[SysctlOverride, ...]:
    """Kernel settings that the description makes itself."""
    found = []
    roles: tuple[Role, ...] = ("director", "realserver")
    for role in roles:
        for key, value in sorted(((context.root.get("sysctl") or {}).get(role) or {}).items()):
            given = value if isinstance(value, Mapping) else {"value": value}
            found.append(
                SysctlOverride(
                    role=role,
                    key=key,
                    value=str(given["value"]),
                    reason=given.get("reason") or "",
                    place=context.root_place.at("sysctl", role, key),
                )
            )
    return tuple(found)


def bind_secrets(context: Context) -> dict[str, Secret]:
    """Names of secrets, and the files on the hosts that hold them."""
    return {e.name: Secret(name=e.name, file=e.data["file"], place=e.place) for e in context.entries("secrets")}


def bind_raw(context: Context) -> RawKeepalived:
    """Raw text of the whole cluster."""
    data: Mapping[str, Any] = context.root.get("keepalived") or {}
    return RawKeepalived(
        global_text=data.get("global") or "",
        instance_text=data.get("instance") or "",
        place=context.root_place.at("keepalived"),
    )


def bind_tests(context: Context) -> tuple[PacketTest, ...]:
    """Expectations on single packets."""
    tests = []
    for index, data in enumerate(context.root.get("tests") or []):
        place = context.root_place.at("tests", index)
        protocol, _, rest = str(data["to"]).partition(":")
        host, _, port = rest.rpartition(":")
        source = address(context, data["from"], place.at("from"))
        vip = address(context, host.strip("[]"), place.at("to"))
        if source and vip:
            expect = data.get("expect") or {}
            tests.append(
                PacketTest(
                    source=source,
                    target=AddressKey(cast(Protocol, protocol), vip, int(port)),
                    service=expect.get("service") or "",
                    realservers=tuple(name for name, _ in as_list(expect.get("realservers"))),
                    method=expect.get("method") or "",
                    place=place,
                )
            )
    return tuple(tests)
