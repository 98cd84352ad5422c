"""lvsgen/plan/naming.py: names that fit, and that no two things share."""

from __future__ import annotations

import pytest

from lvsgen.plan.naming import INBOUND, owned, vrrp_name


def test_the_name_of_a_cluster_is_kept_where_it_fits() -> None:
    assert owned("shop") == "lvsgen-shop"
    assert owned("a" * 18) == "lvsgen-" + "a" * 18


@pytest.mark.parametrize("name", ["a" * 19, "a" * 60, "shop-in", "-in"])
def test_what_does_not_fit_gets_a_name_of_its_own(name: str) -> None:
    found = owned(name)
    assert found != f"lvsgen-{name}"
    assert len(found + INBOUND) <= 28
    assert not found.endswith(INBOUND)
    assert found == owned(name) != owned(name + "b")


def test_the_inbound_chain_of_a_cluster_is_no_other_clusters_chain() -> None:
    assert owned("shop") + INBOUND != owned("shop-in")


def test_names_of_vrrp_instances_are_never_the_same() -> None:
    assert vrrp_name("shop", "eth0", "ipv4") == "shop_eth0_ipv4"
    assert vrrp_name("a", "b_c", "ipv4") != vrrp_name("a_b", "c", "ipv4")
