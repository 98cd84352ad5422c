"""Which mutants there are of a generated line, and the page about them; the lab itself takes no part."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lvsgen.lab.scenarios import PROPERTIES
from tests.mutants import choose, examples, page
from tests.mutants.affected import AFFECTED, EXEMPT, properties
from tests.mutants.flips import changes
from tests.mutants.lines import Line, lines, replaced

KEEPALIVED = """\
# header
virtual_server 192.0.2.100 80 {
    lvs_sched rr
    real_server 192.0.2.11 80 {
        # why
        weight 1
        HTTP_GET {
            retry 2
        }
    }
}
"""


def line(file: str, text: str) -> Line:
    (found,) = lines(file, text)
    return found


def said(file: str, text: str) -> list[str | None]:
    return [change.text for change in changes(line(file, text))]


def test_lines_know_the_blocks_around_them() -> None:
    found = {one.text: one for one in lines("keepalived.conf", KEEPALIVED)}
    assert found["weight 1"].path == ("virtual_server 192.0.2.100 80 {", "real_server 192.0.2.11 80 {")
    assert found["weight 1"].shape == "virtual_server IP N / real_server IP N / weight N"
    assert found["retry 2"].shape == "virtual_server IP N / real_server IP N / CHECK / retry N"
    assert "# why" not in found


def test_a_line_that_opens_a_block_is_removed_with_it() -> None:
    found = {one.text: one for one in lines("keepalived.conf", KEEPALIVED)}
    block = found["real_server 192.0.2.11 80 {"]
    assert replaced(KEEPALIVED, block, None) == "# header\nvirtual_server 192.0.2.100 80 {\n    lvs_sched rr\n}\n"
    other = replaced(KEEPALIVED, block, "real_server 192.0.2.12 80 {")
    assert other == KEEPALIVED.replace("192.0.2.11", "192.0.2.12").replace("    real_s", "real_s")


@pytest.mark.parametrize(
    ("file", "one", "other"),
    [
        ("addresses.batch", "address replace 192.0.2.1/32 dev eth0", "address replace 192.0.2.9/32 dev eth1"),
        ("ipvs.rules", "-a -t 192.0.2.1:80 -r 10.0.0.1:80 -g -w 1", "-a -t 192.0.2.2:81 -r 10.0.0.2:81 -g -w 5"),
        ("keepalived.conf", "router_id lvs1", "router_id box2"),
    ],
)
def test_lines_alike_have_one_shape(file: str, one: str, other: str) -> None:
    assert line(file, one).shape == line(file, other).shape


@pytest.mark.parametrize(
    ("file", "one", "other"),
    [
        ("addresses.batch", "address replace 192.0.2.1/32 dev eth0", "address replace 192.0.2.1/32 dev lo"),
        ("addresses.batch", "address replace 192.0.2.1/32 dev lo", "address replace 2001:db8::1/128 dev lo"),
        ("ipvs.rules", "-a -t 192.0.2.1:80 -r 10.0.0.1:80 -g -w 1", "-a -t 192.0.2.1:80 -r 10.0.0.1:80 -g -w 0"),
        ("sysctl.conf", "net.ipv4.ip_forward = 1", "net.ipv4.conf.all.arp_ignore = 1"),
    ],
)
def test_lines_that_say_different_things_have_different_shapes(file: str, one: str, other: str) -> None:
    assert line(file, one).shape != line(file, other).shape


def test_each_value_is_flipped_once() -> None:
    assert said("ipvs.rules", "-a -t 192.0.2.1:80 -r 10.0.0.1:8080 -m -w 1") == [
        None,
        "-a -t 192.0.2.2:80 -r 10.0.0.1:8080 -m -w 1",
        "-a -t 192.0.2.1:81 -r 10.0.0.1:8080 -m -w 1",
        "-a -t 192.0.2.1:80 -r 10.0.0.2:8080 -m -w 1",
        "-a -t 192.0.2.1:80 -r 10.0.0.1:8081 -m -w 1",
        "-a -t 192.0.2.1:80 -r 10.0.0.1:8080 -g -w 1",
        "-a -t 192.0.2.1:80 -r 10.0.0.1:8080 -m -w 2",
    ]


@pytest.mark.parametrize(
    ("file", "text", "flipped"),
    [
        ("sysctl.conf", "net.ipv4.conf.all.arp_announce = 2", "net.ipv4.conf.all.arp_announce = 0"),
        ("sysctl.conf", "net.ipv4.conf.all.send_redirects = 0", "net.ipv4.conf.all.send_redirects = 1"),
        ("keepalived.conf", "advert_int 1", "advert_int 20"),
        ("keepalived.conf", "priority 200", "priority 1"),
        ("keepalived.conf", "virtual_router_id 51", "virtual_router_id 52"),
        ("keepalived.conf", 'path "/healthz"', 'path "/healthz-not"'),
        ("keepalived.conf", "2001:db8::2", "2001:db8::3"),
        ("addresses.batch", "address replace 192.0.2.1/32 dev lo", "address replace 192.0.2.1/32 dev eth0"),
        ("ipvs.rules", "-A -f 7 -s wlc -p 900", "-A -f 7 -s wlc -p 1"),
    ],
)
def test_what_a_value_becomes(file: str, text: str, flipped: str) -> None:
    assert flipped in said(file, text)


def test_every_shape_of_the_examples_is_tried() -> None:
    """Each has a mutant, properties that it can affect, and a change of the line that is one."""
    mutants = choose.mutants(examples.folders())
    assert len({(m.kind, m.file, m.shape) for m in mutants}) > 100
    assert {m.file for m in mutants} >= {"ipvs.rules", "keepalived.conf", "sysctl.conf", "routes.batch"}
    for mutant in mutants:
        assert mutant.places, f"nothing but the sampled example has {mutant.shape}"
        for place in mutant.places:
            assert properties(place.line)
            assert mutant.text(place) != place.line.text
            assert place.line.shape == mutant.shape


def test_what_can_be_affected_are_properties_of_the_lab() -> None:
    assert {word for _, _, words in AFFECTED for word in words.split()} <= set(PROPERTIES)


def test_the_smallest_example_that_has_a_shape_is_taken(tmp_path: Path) -> None:
    for name, extra in (("small", ""), ("big", "net.ipv4.ip_forward = 1\n")):
        for host in ("one", "two"):
            folder = tmp_path / name / host
            folder.mkdir(parents=True)
            (folder / "host.conf").write_text("roles=director\n")
            (folder / "sysctl.conf").write_text("net.ipv4.vs.conn_reuse_mode = 3\n" + extra)
    found = choose.mutants({name: tmp_path / name for name in ("small", "big")})
    mutant = next(m for m in found if "reuse" in m.shape)
    assert mutant.lines == 4
    assert [(p.example, p.host) for p in mutant.places] == [("small", "one"), ("small", "two"), ("big", "one")]
    assert {p.example for m in found if "forward" in m.shape for p in m.places} == {"big"}


def test_the_page_counts_and_says_what_is_not_caught() -> None:
    name, folder = next(iter(examples.folders().items()))
    mutants = choose.mutants({name: folder})[:3]
    fates = [
        page.Fate(mutant=mutants[0], tried=True, by="arp", cause="somebody | answers"),
        page.Fate(mutant=mutants[1], tried=True),
        page.Fate(mutant=mutants[2], tried=False),
    ]
    text = page.page(fates, dict.fromkeys(EXEMPT, 1), "6.1")
    assert "1 of 2 mutants are caught: 50.0 %" in text
    assert "1 of 3 mutants have not been tried" in text
    assert r"somebody \| answers" in text
    rows = re.findall(r"^\|.*", text.split("## Not caught")[1].split("## Exempt")[0], flags=re.MULTILINE)
    assert len(rows) == 3
