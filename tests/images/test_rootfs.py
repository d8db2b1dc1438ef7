"""An exported image serves bubblewrap on a machine without an engine."""

from pathlib import Path

import pytest

from judge.errors import EngineError, UsageError
from judge.images import Images
from judge.rootfs import export
from judge.sandbox.base import Command, Role, RunLimits
from judge.sandbox.bubblewrap import BubblewrapLauncher, BubblewrapSettings
from judge.spool import Spool

pytestmark = [pytest.mark.docker, pytest.mark.bubblewrap, pytest.mark.slow]

LIMITS = RunLimits(cpu_ms=5000, wall_ms=10_000, memory_bytes=1 << 28, output_bytes=1 << 16)
SCRIPT = "import sys; print(sys.version_info[:2], open('/etc/os-release').read())"


async def test_programs_see_the_image_and_not_the_machine(tmp_path: Path) -> None:
    """The interpreter is the image's; a second export replaces the first."""
    (tmp_path / "base" / "usr").mkdir(parents=True)
    (tmp_path / "base" / "usr" / "old").touch()

    root = export(Images(), "base", tmp_path)

    assert root == tmp_path / "base"
    assert not (root / "usr" / "old").exists()
    assert not (tmp_path / "base.part").exists()
    (root / "etc" / "os-release").unlink()
    (root / "etc" / "os-release").write_text("this very directory")
    launcher = BubblewrapLauncher(BubblewrapSettings(rootfs=tmp_path))
    sandbox = await launcher.launch("base", cpu=None, index=0)
    try:
        with Spool() as stdout:
            command = Command(argv=("python3", "-c", SCRIPT), role=Role.RUN, limits=LIMITS)
            outcome = await sandbox.run(command, stdout)
            said = stdout.head(1 << 16)
        assert outcome.ok, outcome
        assert said.strip() == b"(3, 13) this very directory"
    finally:
        await sandbox.close()
        await launcher.close()


async def test_a_missing_root_says_the_remedy(tmp_path: Path) -> None:
    """Bubblewrap names the directory it looked for."""
    launcher = BubblewrapLauncher(BubblewrapSettings(rootfs=tmp_path))
    with pytest.raises(EngineError, match="images export"):
        await launcher.launch("base", cpu=None, index=0)
    await launcher.close()


def test_an_unwritable_directory_is_one_line(tmp_path: Path) -> None:
    """Nothing is left of an export that could not be written."""
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot unpack base"):
        export(Images(), "base", tmp_path / "file")
