"""The corpus is complete: every attack has a directory or a sentence that says where it went."""

import re
from pathlib import Path

import pytest

from judge.errors import PackageError
from judge.selftest.corpus import load_attack, load_attacks

ROOT = Path(__file__).resolve().parents[2]
THREATS = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
ATTACKS = 59


def test_every_number_is_in_the_table() -> None:
    """The threat model has a row for each attack, and none is left out."""
    rows = re.findall(r"^\| ([\d, ]+) \|", THREATS, flags=re.MULTILINE)
    numbers = {int(number) for row in rows for number in row.split(", ")}

    assert set(range(1, ATTACKS + 1)) == numbers


@pytest.mark.parametrize("attack", load_attacks(), ids=lambda attack: attack.name)
def test_every_directory_is_in_the_table(attack: object) -> None:
    """The threat model names each directory of the corpus."""
    assert f"`{getattr(attack, 'name', '')}`" in THREATS


def test_an_unknown_key_is_refused(tmp_path: Path) -> None:
    """A misspelt expectation must not pass for one that holds."""
    (tmp_path / "attack.toml").write_text(
        'number = 1\ntitle = "x"\n[[step]]\nkind = "run"\ncause = ["exited"]\n', encoding="utf-8"
    )

    with pytest.raises(PackageError, match="cause"):
        load_attack(tmp_path)
