"""What is published: wheel and sdist hold schema and templates, and the wheel alone builds a cluster."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lvsgen import __version__

ROOT = Path(__file__).resolve().parent.parent

# With it, Python would find this checkout where only what is installed counts.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

pytestmark = pytest.mark.slow


def files_of(*folders: str) -> Iterator[str]:
    """What Git has, or would add, below these folders."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *folders]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    yield from (name for name in listed.split("\0") if name and (ROOT / name).is_file())


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Wheel and sdist; the wheel is made from the sdist, as it is for everybody who installs that.

    The build backend is the one of this environment, so that no network is needed.
    """
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)]
    made = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT)
    assert made.returncode == 0, made.stdout + made.stderr
    (wheel,), (sdist,) = out.glob("*.whl"), out.glob("*.tar.gz")
    return wheel, sdist


def test_the_wheel_holds_schema_and_templates(packages: tuple[Path, Path]) -> None:
    wheel, _ = packages
    held = set(zipfile.ZipFile(wheel).namelist())
    wanted = {f"lvsgen/_bundled/{name}" for name in files_of("schema", "templates")} | set(files_of("lvsgen"))
    assert wanted <= held
    assert {name for name in held - wanted if ".dist-info/" not in name} == set()
    assert wheel.name == f"lvsgen-{__version__}-py3-none-any.whl"


def test_the_sdist_holds_what_the_tests_need(packages: tuple[Path, Path], tmp_path: Path) -> None:
    _, sdist = packages
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    held = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    assert {name for name in files_of() if not name.startswith(".github/")} <= held

    def pytest_of_sdist(*arguments: str) -> str:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
        ran = subprocess.run(command, cwd=unpacked, capture_output=True, text=True, env=ENVIRONMENT)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    assert "tests/test_packaging.py" in pytest_of_sdist("--collect-only")
    pytest_of_sdist("tests/test_repository.py", "tests/test_resources.py", "tests/test_readme.py")


def test_the_wheel_alone_builds_an_example_from_anywhere(packages: tuple[Path, Path], tmp_path: Path) -> None:
    """Installed elsewhere, run in `/`, with nothing of the checkout in reach: bytes are those of the checkout's."""
    wheel, _ = packages
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    # The libraries are those that this test runs with, so that nothing is downloaded; lvsgen itself must not be.
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    install: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True, capture_output=True, env=ENVIRONMENT)
    (site,) = environment.glob("lib/python*/site-packages")
    (site / "libraries.pth").write_text("\n".join(libraries) + "\n")

    def lvsgen(*arguments: str) -> subprocess.CompletedProcess[str]:
        command: list[str | Path] = [environment / "bin" / "lvsgen", *arguments]
        return subprocess.run(command, cwd="/", capture_output=True, text=True, env=ENVIRONMENT)

    where: list[str | Path] = [python, "-c", "import lvsgen; print(lvsgen.__file__)"]
    found = subprocess.run(where, cwd="/", capture_output=True, text=True, env=ENVIRONMENT).stdout
    assert found.startswith(str(site))
    assert lvsgen("--version").stdout == f"lvsgen {__version__}\n"
    example = ROOT / "examples" / "telnet-squid"
    built = lvsgen("build", str(example), "--output", str(tmp_path / "out"))
    assert built.returncode == 0, built.stderr

    def content(folder: Path) -> dict[str, bytes]:
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    of_checkout = [sys.executable, "-m", "lvsgen", "build", str(example), "--output", str(tmp_path / "own")]
    subprocess.run(of_checkout, cwd=ROOT, check=True, capture_output=True, env=ENVIRONMENT)
    assert content(tmp_path / "out") == content(tmp_path / "own") != {}
    assert lvsgen("init", str(tmp_path / "shop")).returncode == 0
