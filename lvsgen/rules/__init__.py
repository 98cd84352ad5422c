"""Rules: a `Cluster` -> findings about what the description means, beyond what the schema and bind can tell.

A rule is a documented generator in a module of its family (see `lvsgen.rules.rule`); the table below lists all of them.
Its code is the section and number by which LVS people know it; from 50 on in each hundred are those of this program.
1xx addresses, 2xx forwarding, 3xx scheduling and persistence, 4xx marks, 5xx failover, 6xx realservers, 7xx checks,
8xx operation.
"""

from __future__ import annotations

from collections.abc import Iterable

from lvsgen.diagnostics import Finding
from lvsgen.model import Cluster
from lvsgen.rules import (
    across,
    capacity,
    check_details,
    check_values,
    checks,
    datagrams,
    duplicates,
    following,
    ftp,
    hash_schedulers,
    hosts,
    keepalived_values,
    marks,
    nat_gateway,
    nat_limits,
    networks,
    packets,
    persistence,
    ports,
    quorum,
    raw_keepalived,
    rip_addresses,
    sync,
    sysctls,
    table_writer,
    thresholds,
    timeouts,
    timers,
    tracking,
    transparent,
    tunnel_sizes,
    tunnels,
    two_box,
    unused,
    versions,
    vip_addresses,
    vip_owners,
    vrrp,
    vrrp_versions,
    weights,
)
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import Rule

__all__ = ["RULES", "Rule", "check", "check_all"]

RULES: tuple[Rule, ...] = (
    vip_addresses.vip_is_taken,
    rip_addresses.rip_not_unicast,
    rip_addresses.rip_link_local,
    duplicates.sorry_server_without_family,
    duplicates.mixed_family_with_sync,
    duplicates.duplicate_virtual_service,
    duplicates.duplicate_destination,
    vip_addresses.vip_without_device,
    rip_addresses.dr_not_on_link,
    vip_addresses.vip_not_routable,
    vip_owners.vip_claimed_twice,
    vip_addresses.vip_device_missing,
    rip_addresses.address_of_two_hosts,
    networks.outside_its_network,
    networks.dip_is_taken,
    unused.unused_vip,
    unused.unused_realserver,
    across.address_of_two_clusters,
    networks.realserver_is_the_gateway,
    vip_owners.vip_named_twice,
    rip_addresses.director_not_unicast,
    ports.port_mapping,
    ports.port_behind_mark,
    nat_gateway.nat_without_way_back,
    nat_gateway.one_network_nat_without_interface,
    nat_limits.nat_to_loopback,
    tunnel_sizes.tunnel_without_room,
    tunnels.tunnel_options,
    versions.too_new_for_director,
    ftp.ftp_without_affinity,
    ftp.ftp_within_tls,
    nat_gateway.two_ways_back,
    ftp.ftp_group_incomplete,
    ftp.too_many_helper_ports,
    ftp.helper_without_nat,
    nat_limits.snat_without_nat,
    nat_gateway.nat_to_another_director,
    tunnel_sizes.gre_checksum_differs,
    ftp.ftp_behind_snat,
    ftp.transfers_of_tftp,
    hash_schedulers.flag_of_another_scheduler,
    weights.weights_without_effect,
    hash_schedulers.dh_on_one_address,
    hash_schedulers.too_many_weights_for_sh,
    weights.no_weight_left,
    hash_schedulers.hash_without_fallback,
    datagrams.scheduler_blind_to_udp,
    weights.ovf_without_capacity,
    weights.fo_without_order,
    ports.all_ports_without_affinity,
    datagrams.single_packets_of_streams,
    datagrams.single_packets_by_nat,
    datagrams.single_packets_with_affinity,
    persistence.sip_engine_without_udp,
    timeouts.longer_than_a_month,
    persistence.affinity_by_port,
    persistence.affinity_twice,
    thresholds.thresholds_swapped,
    timeouts.finished_connections_count,
    timeouts.idle_connections_forgotten,
    versions.scheduler_often_missing,
    ports.port_beside_all_ports,
    timeouts.senders_stay,
    hash_schedulers.locality_on_one_address,
    weights.nobody_serves,
    capacity.one_left,
    datagrams.scheduler_blind_to_single_packets,
    ports.range_without_mark,
    persistence.calls_by_client,
    capacity.most_on_one,
    marks.mark_shadows_address,
    marks.marks_overlap,
    transparent.unheld_vip_without_mark,
    transparent.mark_in_source_validation,
    ports.marked_ports_become_one,
    transparent.from_without_mark,
    transparent.from_unattached_network,
    transparent.mark_of_system_table,
    vrrp.too_many_directors,
    vrrp.vrid_used_twice,
    vrrp.equal_priorities,
    vrrp.director_without_address,
    nat_gateway.gateway_of_two_instances,
    nat_gateway.nat_gateway_does_not_move,
    tracking.weight_in_sync_group,
    tracking.weight_never_flips,
    vrrp.advert_out_of_range,
    vrrp_versions.secret_without_effect,
    raw_keepalived.strict_vrrp,
    vip_owners.vip_in_no_instance,
    two_box.loop_of_two_masters,
    two_box.loop_of_two_boxes,
    two_box.loop_without_mac,
    across.sync_id_of_two_clusters,
    sync.sync_beside_clients,
    raw_keepalived.virtual_mac_without_base,
    vrrp.failover_of_one,
    quorum.quorum_out_of_reach,
    vrrp_versions.old_vrrp_for_ipv6,
    sync.sync_group_not_multicast,
    vip_owners.vip_on_every_director,
    sync.sync_network_unattached,
    sync.sync_threshold_too_low,
    tracking.tracked_interface_missing,
    vrrp_versions.vrrp_without_engine,
    vip_owners.nothing_to_move,
    following.fraction_of_a_second,
    timers.timer_out_of_range,
    across.vrid_shared_by_unicast,
    across.vrid_of_two_clusters,
    across.director_of_two_keepaliveds,
    tracking.weights_that_tie,
    timers.adverts_too_often,
    hosts.vip_on_real_interface,
    networks.gateway_is_a_director,
    hosts.system_without_target,
    tunnel_sizes.sizes_differ,
    checks.nobody_checks,
    checks.check_of_vip,
    timeouts.slow_detection,
    checks.check_without_port,
    check_values.greeting_without_name,
    quorum.sorry_server_port,
    checks.datagrams_checked_by_connection,
    checks.only_pinged,
    capacity.sorry_server_fails_too,
    table_writer.checks_without_checker,
    table_writer.nothing_to_watch,
    check_values.dns_name_with_short_label,
    check_details.unknown_placeholder,
    check_values.sni_of_another_host,
    check_values.datagram_ends_in_ff,
    check_details.check_from_foreign_address,
    following.follows_unchecked,
    keepalived_values.too_long_for_keepalived,
    keepalived_values.secret_outside_of_script,
    check_values.status_range_backwards,
    timers.check_timer_out_of_range,
    check_values.neighbour_followed_twice,
    following.followed_by_too_many,
    capacity.quorum_lost_with_one,
    check_values.check_speaks_otherwise,
    timers.checks_too_often,
    sysctls.defence_for_ever,
    raw_keepalived.raw_braces,
    raw_keepalived.raw_keyword,
    raw_keepalived.raw_text_unused,
    keepalived_values.looks_like_a_secret,
    packets.packet_test_fails,
    across.service_of_two_clusters,
    sysctls.unknown_setting,
    sysctls.setting_refused,
)
"""All rules, in the order of their codes."""


def check(cluster: Cluster) -> tuple[Finding, ...]:
    """What all rules find in one cluster, each finding once, in the order of the table."""
    return check_all((cluster,))[0]


def check_all(clusters: Iterable[Cluster]) -> tuple[tuple[Finding, ...], ...]:
    """What all rules find in each of several clusters that belong together; a conflict of two stands at the later.

    Clusters of two sites have nothing in common that could conflict.
    """
    seen: list[Facts] = []
    found = []
    for cluster in clusters:
        earlier = tuple(other for other in seen if not _are_apart(cluster, other.cluster))
        facts = Facts(cluster, earlier)
        own = {
            (one.code, one.place, one.message): one
            for rule in RULES
            if earlier or not rule.across
            for one in rule.check(facts)
        }
        found.append(tuple(own.values()))
        seen.append(facts)
    return tuple(found)


def _are_apart(one: Cluster, other: Cluster) -> bool:
    return bool(one.site and other.site) and one.site != other.site
