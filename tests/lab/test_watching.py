"""Stand-ins for what health checks watch beside responders."""

from __future__ import annotations

import subprocess
from pathlib import Path

from lvsgen import pipeline
from lvsgen.lab.watching import files_of, stand_ins, unclear
from lvsgen.model import Cluster

TEXT = """
cluster: watched
directors: {director: {interfaces: {eth0: 192.0.2.2/24}}}
realservers: {rs1: 192.0.2.11, rs2: 192.0.2.12}
checks:
  told: {script: [/bin/told, "{address}", "two words", "{secret.db}"]}
  written: {file: "/run/lvs/{name}-{port}"}
secrets: {db: {file: /etc/lvs/db}}
services:
  told: {vip: 192.0.2.100, tcp: 80, method: dr, check: told}
  written: {vip: 192.0.2.100, tcp: 81, method: dr, check: written}
  mute: {vip: 192.0.2.100, tcp: 82, method: dr, check: {script: [/bin/mute, x]}}
"""


def cluster(folder: Path) -> Cluster:
    source = folder / "cluster.yaml"
    source.write_text(TEXT)
    compilation = pipeline.compile(str(source))
    assert compilation.cluster
    return compilation.cluster


def test_a_program_asks_the_realserver_of_its_arguments(tmp_path: Path) -> None:
    program = stand_ins(cluster(tmp_path))["/bin/told"]
    assert "192.0.2.12' ''two words'' '*) ask tcp 192.0.2.12 80 ;;" in program
    # The question itself is another's; which realserver it is about is what the arguments decide.
    program = program.replace('exec 3<>"/dev/$1/$2/$3" || exit 1', 'echo "$@"')
    ran = subprocess.run(
        ["bash", "-c", program, "told", "192.0.2.12", "two words", "anything"], capture_output=True, text=True
    )
    assert ran.stdout == "tcp 192.0.2.12 80\n"


def test_a_file_says_zero_and_tells_of_its_realserver(tmp_path: Path) -> None:
    found = cluster(tmp_path)
    assert {path for path, text in stand_ins(found).items() if text == "0\n"} == {"/run/lvs/rs1-81", "/run/lvs/rs2-81"}
    assert files_of(found, "rs2") == ("/run/lvs/rs2-81",)


def test_what_stands_for_several_realservers_is_unclear(tmp_path: Path) -> None:
    found = cluster(tmp_path)
    assert [unclear(found, name) for name in ("told", "written", "mute")] == [
        "",
        "",
        "the program /bin/mute is not told which realserver is meant",
    ]
