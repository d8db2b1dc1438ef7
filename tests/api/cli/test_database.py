"""`codebattle db …`: exit codes, one line for what is wrong, JSON that is JSON."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from api.problems.service import Imported
from api.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("hello")]
PASSWORD = "nobody-must-read-this"


def _db(settings: Settings, *words: str, url: str = "") -> subprocess.CompletedProcess[str]:
    environment = {
        "CODEBATTLE_ENVIRONMENT": "development",
        "CODEBATTLE_DATA_DIR": str(settings.data_dir),
        "CODEBATTLE_DATABASE_URL": url or settings.database_url.get_secret_value(),
    }
    return subprocess.run(
        [sys.executable, "-m", "api", "db", *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.long(15)
def test_backup_restore_check(
    settings: Settings, hello: Imported, empty_database: str, tmp_path: Path
) -> None:
    made = json.loads(_db(settings, "backup", str(tmp_path / "kept"), "--json").stdout)
    assert made["blobs"] == 1
    assert made["with_blobs"]

    there = _db(settings, "restore", made["backup"])
    assert there.returncode == 2
    assert "is not empty" in there.stderr
    assert there.stderr.count("\n") == 1

    put_back = _db(settings, "restore", made["backup"], "--json", url=empty_database)
    assert json.loads(put_back.stdout)["rows"] == made["rows"]

    found = _db(settings, "check", "--json", url=empty_database)
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    assert found.returncode == 0
    assert lines[-1] == {"findings": len(lines) - 1, "level": "ok"}

    for path in settings.blobs_dir.glob("??/*"):
        path.unlink()
    broken = _db(settings, "check", "--quick", url=empty_database)
    assert broken.returncode == 1
    assert [line[:10] for line in broken.stdout.splitlines() if line[:2] != "ok"] == ["fail blobs"]


def test_what_is_wrong_is_one_line_without_secrets(settings: Settings, tmp_path: Path) -> None:
    address = settings.database_url.get_secret_value()
    for url, said in (
        (f"postgresql+asyncpg://u:{PASSWORD}@127.0.0.1:1/x", "onnect"),
        (address.replace("/test_", "/nobody_made_"), "does not exist"),
    ):
        done = _db(settings, "backup", str(tmp_path), url=url)

        assert done.returncode == 5
        assert said in done.stderr
        assert done.stderr.count("\n") == 1
        assert PASSWORD not in done.stderr
