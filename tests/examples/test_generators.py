"""The data of every problem we ship is what its generator writes, byte by byte."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROBLEMS = sorted(path.parent.name for path in (ROOT / "problems").glob("*/problem.yaml"))


@pytest.mark.slow
@pytest.mark.parametrize("name", PROBLEMS)
def test_generators_write_the_data_that_is_there(name: str, tmp_path: Path) -> None:
    """Running one again changes nothing."""
    generator = ROOT / "problems" / name / "generators/generate.py"
    if not generator.is_file():
        assert not list((ROOT / "problems" / name).glob("generators/*"))
        return
    before = _contents(ROOT / "problems" / name / "data")
    copy = tmp_path / name
    subprocess.run(["cp", "-a", str(ROOT / "problems" / name), str(copy)], check=True)
    subprocess.run([sys.executable, "generators/generate.py"], cwd=copy, check=True, timeout=300)

    assert _contents(copy / "data") == before


def _contents(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }
