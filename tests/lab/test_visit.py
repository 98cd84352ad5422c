"""Which lab is up, as visitors find it, and what crosses the spool."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lvsgen.lab import visit
from lvsgen.lab.kernel import CannotPlay
from tests.conftest import Lvsgen


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def lab(tmp_path: Path) -> visit.Lab:
    return visit.Lab(cluster="shop", hosts=("lvs1", "web1"), spool=tmp_path / "spool")


def test_a_lab_is_found_while_it_is_up(tmp_path: Path) -> None:
    with pytest.raises(CannotPlay, match="no lab is up"):
        visit.running()
    with visit.announced(lab(tmp_path)):
        assert visit.running() == lab(tmp_path)
    with pytest.raises(CannotPlay, match=r"leaves one up$"):
        visit.running()


def test_a_second_lab_is_refused_and_the_first_one_stays(tmp_path: Path) -> None:
    with visit.announced(lab(tmp_path)):
        other = visit.Lab(cluster="other", hosts=(), spool=tmp_path / "other")
        with pytest.raises(CannotPlay, match="a lab is up already"), visit.announced(other):
            pass
        assert visit.running() == lab(tmp_path)


def test_a_lab_that_was_killed_is_not_up(tmp_path: Path, cache: Path) -> None:
    """It could not take its note back, but it holds no lock."""
    (cache / "lvsgen").mkdir(parents=True)
    note = {"cluster": "shop", "hosts": ["lvs1"], "spool": str(tmp_path / "spool")}
    (cache / "lvsgen" / "lab.json").write_text(json.dumps(note))
    with pytest.raises(CannotPlay, match="the last one was killed"):
        visit.running()
    with visit.announced(lab(tmp_path)):
        assert visit.running().hosts == ("lvs1", "web1")


def test_visitors_are_told_what_is_wrong(lvsgen: Lvsgen, tmp_path: Path) -> None:
    ran = lvsgen("lab", "exec", "lvs1", "ipvsadm", "-Ln")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "lvsgen: no lab is up; `lvsgen lab PATH --keep` leaves one up\n"
    assert lvsgen("lab", "stop").code == 2
    with visit.announced(lab(tmp_path)):
        ran = lvsgen("lab", "exec", "lvs9", "true")
    assert (ran.code, ran.err) == (2, "lvsgen: the lab of `shop` has no host `lvs9`, but lvs1, web1\n")


def test_a_folder_of_that_name_can_be_given(lvsgen: Lvsgen) -> None:
    ran = lvsgen("lab", "./exec")
    assert (ran.code, ran.err) == (2, "lvsgen: `./exec` does not exist\n")
