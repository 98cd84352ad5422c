"""keepalived.conf: VRRP, and the IPVS table with its health checks where keepalived writes it."""

from __future__ import annotations

from typing import Any

from lvsgen.keepalived_text import command, comment, setting, word
from lvsgen.model import Email, Failover, Timeouts
from lvsgen.plan.host import Follow, HostPlan, SyncDaemon, VrrpAddress, VrrpInstance
from lvsgen.targets.keepalived_checks import Checks, seconds, whole_seconds
from lvsgen.targets.keepalived_follow import script, script_name, startup
from lvsgen.targets.keepalived_table import raw_lines, raw_origin, runs_commands, virtual_services
from lvsgen.targets.secrets import placeholder


def view(plan: HostPlan) -> dict[str, Any] | None:
    """What keepalived.conf says on a director; None where keepalived has nothing to do."""
    keepalived = plan.keepalived
    if keepalived is None:
        return None
    cluster = plan.cluster
    checks = Checks()
    services = virtual_services(plan, checks, keepalived.follows) if keepalived.writes_table else []
    scripts = _scripts(plan) if keepalived.instances else []
    commands = bool(scripts) or (bool(keepalived.instances) and bool(cluster.notify.failover))
    if keepalived.writes_table:
        commands = commands or bool(keepalived.follows) or runs_commands(plan, cluster.services)
    grouped = {name for group in keepalived.groups for name in group.instances}
    return {
        "writer": "keepalived" if cluster.ipvs.writer == "keepalived" else "lvs.sh",
        "router_id": keepalived.router_id,
        "script_user": (word(cluster.notify.user) if cluster.notify.user else "root") if commands else "",
        "startup": startup(cluster.name, keepalived.follows),
        "email": _email(cluster.notify.email) if cluster.notify.email else None,
        "settings": _global_settings(plan),
        "raw": raw_lines(cluster.keepalived.global_text),
        "raw_origin": raw_origin(cluster.keepalived.place, "global"),
        "scripts": scripts,
        "files": _files(plan, checks),
        "processes": _processes(cluster.failover) if keepalived.instances else [],
        "sessions": [checks.sessions[name] for name in sorted(checks.sessions)],
        "groups": [
            {
                "name": group.name,
                "instances": group.instances,
                "track": _track(plan, group.instances),
                "notify": _failover_notify(plan),
            }
            for group in keepalived.groups
        ],
        "instances": [_instance(plan, one, one.name in grouped) for one in keepalived.instances],
        "raw_instance": raw_lines(cluster.keepalived.instance_text),
        "raw_instance_origin": raw_origin(cluster.keepalived.place, "instance"),
        "services": services,
    }


def _global_settings(plan: HostPlan) -> list[str]:
    lines = []
    if plan.keepalived and plan.keepalived.writes_table and plan.timeouts:
        lines += _timeouts(plan.timeouts)
    if plan.keepalived and plan.keepalived.sync:
        lines.append(_sync(plan.keepalived.sync))
    if plan.keepalived and plan.keepalived.instances:
        lines += _garp(plan.cluster.failover)
    return lines


def _timeouts(times: Timeouts) -> list[str]:
    """What is 0 is left alone (keepalived.conf(5), lvs_timeouts)."""
    words = (("tcp", times.tcp), ("tcpfin", times.tcpfin), ("udp", times.udp))
    text = "".join(f" {name} {value}" for name, value in words if value)
    return [f"lvs_timeouts{text}"] if text else []


def _sync(sync: SyncDaemon) -> str:
    options = (("maxlen", sync.maxlen), ("port", sync.port), ("ttl", sync.ttl), ("group", sync.group))
    text = f"lvs_sync_daemon {sync.interface} inst {sync.instance} id {sync.id}"
    return text + "".join(f" {name} {value}" for name, value in options if value is not None)


def _garp(failover: Failover) -> list[str]:
    garp = failover.garp
    lines = []
    if garp.delay is not None:
        lines.append(f"vrrp_garp_master_delay {_rounded(garp.delay)}")
    if garp.repeat is not None:
        lines.append(f"vrrp_garp_master_repeat {garp.repeat}")
    if garp.refresh is not None:
        lines.append(f"vrrp_garp_master_refresh {_rounded(garp.refresh)}")
    if garp.refresh_repeat is not None:
        lines.append(f"vrrp_garp_master_refresh_repeat {garp.refresh_repeat}")
    if garp.interval:
        # IPv6 has neighbour advertisements instead of gratuitous ARP, and a setting of their own.
        lines += [f"vrrp_garp_interval {seconds(garp.interval)}", f"vrrp_gna_interval {seconds(garp.interval)}"]
    return lines


def _rounded(value: float) -> int:
    """keepalived takes whole seconds here; 0 is off."""
    return whole_seconds(value) if value else 0


def _email(email: Email) -> dict[str, Any]:
    lines = []
    if email.sender:
        lines.append(setting("notification_email_from", word(email.sender)))
    if email.server:
        lines.append(setting("smtp_server", " ".join(word(part) for part in email.server.split())))
    return {"to": [setting(word(address)) for address in email.to], "settings": lines}


def _scripts(plan: HostPlan) -> list[dict[str, Any]]:
    found = [
        {
            "name": word(one.name),
            "settings": [
                setting("script", command(one.command)),
                f"interval {whole_seconds(one.interval)}",
                f"timeout {whole_seconds(one.interval if one.timeout is None else one.timeout)}",
                f"weight {one.weight or 0}",
                f"fall {one.fall}",
                f"rise {one.rise}",
                *([f"user {word(one.user)}"] if one.user else []),
            ],
        }
        for one in plan.cluster.failover.track.scripts
    ]
    for follow in _moved(plan):
        lines = [script(plan.cluster.name, follow), "interval 1", "timeout 1", "weight 0", "fall 1", "rise 1"]
        found.append({"name": script_name(follow), "settings": [*lines, "user root"]})
    return found


def _moved(plan: HostPlan) -> list[Follow]:
    return [f for f in plan.keepalived.follows if f.instance is not None] if plan.keepalived else []


def _files(plan: HostPlan, checks: Checks) -> list[dict[str, Any]]:
    """Files of checks under their own path, which no name of the description can be: it begins with a slash."""
    tracked = plan.cluster.failover.track.files if plan.keepalived and plan.keepalived.instances else ()
    return [
        {"name": word(one.name), "file": setting("file", word(one.path)), "weight": one.weight or 0} for one in tracked
    ] + [{"name": path, "file": setting("file", path), "weight": 0} for path in sorted(checks.files)]


def _processes(failover: Failover) -> list[dict[str, Any]]:
    return [
        {"name": word(one.name), "process": setting("process", word(one.process)), "weight": one.weight or 0}
        for one in failover.track.processes
    ]


def _track(plan: HostPlan, instances: tuple[str, ...]) -> list[dict[str, Any]]:
    """What VRRP instances depend on, as blocks: of a group as a whole where they form one.

    They watch their own interfaces anyway, and keepalived complains of one that is named again.
    """
    track = plan.cluster.failover.track
    own = {one.interface for one in plan.keepalived.instances if one.name in instances} if plan.keepalived else set()
    follows = [script_name(follow) for follow in _moved(plan) if follow.instance in instances]
    blocks = (
        ("track_interface", [word(name) for name in track.interfaces if name not in own]),
        ("track_script", [*(word(one.name) for one in track.scripts), *follows]),
        ("track_file", [word(one.name) for one in track.files]),
        ("track_process", [word(one.name) for one in track.processes]),
    )
    return [{"keyword": keyword, "names": names} for keyword, names in blocks if names]


def _failover_notify(plan: HostPlan) -> str:
    notify = plan.cluster.notify.failover
    return setting("notify", command(notify)) if notify else ""


def _instance(plan: HostPlan, one: VrrpInstance, grouped: bool) -> dict[str, Any]:
    failover = plan.cluster.failover
    delay = failover.preempt_delay
    return {
        "name": one.name,
        "interface": one.interface,
        "vrid": one.vrid,
        "priority": one.priority,
        "advert": seconds(one.advert),
        "version": one.version,
        "preempt": "nopreempt" if delay is None else f"preempt_delay {seconds(delay)}" if delay else "",
        "source": one.source,
        "peers": one.peers,
        "group": None if one.peers else one.group,
        "secret": placeholder(failover.secret.name) if failover.secret and one.version == 2 else "",
        "addresses": [_address(a) for a in one.addresses],
        "excluded": [_address(a) for a in one.excluded],
        "track": [] if grouped else _track(plan, (one.name,)),
        "notify": "" if grouped else _failover_notify(plan),
    }


def _address(address: VrrpAddress) -> dict[str, str]:
    text = f"{address.ip}/{address.ip.max_prefixlen} dev {address.device}"
    return {"line": text, "comment": comment(address.reason)}
