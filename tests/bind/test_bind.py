"""Mistakes that the bind stage finds: each case marks its lines at fault with `# <- CODE`; nothing else is found."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from lvsgen import schema
from lvsgen.bind import bind
from lvsgen.source import read_text

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))
MARK = re.compile(r"# <- (LVS\d+)$")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_finds_exactly_the_marked_lines(path: Path) -> None:
    text = path.read_text()
    description, unreadable = read_text(text)
    assert not unreadable
    malformed = schema.check(description)
    _, findings = bind(((d.name, d.data) for d in description.documents), (f.place for f in malformed))
    located = [description.locate(finding) for finding in (*malformed, *findings)]
    marks = [(number, mark[1]) for number, line in enumerate(text.splitlines(), 1) if (mark := MARK.search(line))]
    assert Counter((d.location.span.line, d.code) for d in located) == Counter(marks)
    assert all(d.help and d.message[:1] not in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" for d in located)


def test_every_code_has_a_case() -> None:
    sources = Path(__file__).parents[2] / "lvsgen" / "bind"
    codes = {code for path in sources.glob("*.py") for code in re.findall(r'"(LVS\d{3})"', path.read_text())}
    cased = {code for path in CASES for code in MARK_ANYWHERE.findall(path.read_text())}
    assert codes - cased == {"LVS022"}, "LVS022 takes two files: test_a_name_in_two_files"


MARK_ANYWHERE = re.compile(r"# <- (LVS\d+)")


def test_a_name_in_two_files() -> None:
    root = {
        "cluster": "c",
        "directors": {"lvs1": {"interfaces": {"eth0": "192.0.2.2/24"}}},
        "realservers": {"rs1": "192.0.2.11"},
        "services": {"web": {"vip": "192.0.2.100", "tcp": 80, "method": "dr"}},
    }
    included = {"realservers": {"rs1": "192.0.2.12"}}
    _, (finding,) = bind([("cluster.yaml", root), ("team.yaml", included)])
    assert (finding.code, finding.place.file, finding.place.path) == ("LVS022", "team.yaml", ("realservers", "rs1"))
    assert finding.related[0].place.file == "cluster.yaml"


def test_the_defaults_of_a_file_win_over_those_of_the_root() -> None:
    root = {
        "cluster": "c",
        "directors": {"lvs1": {"interfaces": {"eth0": "192.0.2.2/24"}}},
        "realservers": {"rs1": "192.0.2.11"},
        "defaults": {"method": "dr", "scheduler": "rr", "weight": 3, "vip": "192.0.2.100"},
        "services": {"web": {"tcp": 80}},
    }
    included = {"defaults": {"scheduler": "wrr"}, "services": {"mail": {"tcp": 25, "persistence": False}}}
    cluster, findings = bind([("cluster.yaml", root), ("team.yaml", included)])
    assert cluster is not None
    assert not findings
    mail, web = cluster.services
    assert (mail.name, mail.scheduler, mail.members[0].weight) == ("mail", "wrr", 3)
    assert (web.name, web.scheduler, web.members[0].weight) == ("web", "rr", 3)


def test_one_family_alone_is_advised_only_where_the_service_has_it() -> None:
    root = {
        "cluster": "shop",
        "directors": {"lvs1": {"interfaces": {"eth0": ["192.0.2.2/24", "2001:db8::2/64"]}}},
        "realservers": {"web1": "192.0.2.11"},
        "defaults": {"method": "dr", "tcp": 80},
        "services": {"both": {"vip": ["192.0.2.100", "2001:db8::100"]}, "six": {"vip": "2001:db8::101"}},
    }
    _, findings = bind([("cluster.yaml", root)])
    advised = {str(finding.place.path[1]): "`families: [ipv4]`" in finding.help for finding in findings}
    assert [finding.code for finding in findings] == ["LVS032", "LVS032"]
    assert advised == {"both": True, "six": False}
