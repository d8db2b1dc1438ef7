"""Every entry of `tests/golden/checkers/*.yaml`; the README beside them says how to add one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from judge.checkers.tokens import TokenChecker, parse_rules
from judge.errors import PackageError

GOLDEN = Path(__file__).parents[2] / "golden" / "checkers"


def _cases() -> Iterator[Any]:
    for table in sorted(GOLDEN.glob("*.yaml")):
        for case in yaml.load(table.read_text(), yaml.CSafeLoader):
            chosen = case.get("format", "both")
            for version in ("legacy", "2025-09") if chosen == "both" else (chosen,):
                name = f"{table.stem}-{case['name']}-{version}"
                yield pytest.param(case, version, id=name.replace(" ", "_"))


@pytest.mark.parametrize(("case", "version"), list(_cases()))
@pytest.mark.parametrize("block_bytes", [1, 3, 256 * 1024])
def test_golden(case: dict[str, Any], version: str, block_bytes: int) -> None:
    """The default validator says what the table says, however small its blocks are."""
    flags = str(case.get("flags", "")).split()
    if "error" in case:
        with pytest.raises(PackageError, match=r"^problem\.yaml: ") as caught:
            parse_rules(flags, legacy=version == "legacy", where="problem.yaml")
        assert case["error"] in str(caught.value)
        return
    rules = parse_rules(flags, legacy=version == "legacy", where="problem.yaml")
    answer, output = case["answer"].encode("latin-1"), case["output"].encode("latin-1")
    # A number longer than a block is a word.
    size = max(block_bytes, 80) if rules.numeric else block_bytes

    comparison = TokenChecker(rules=rules, block_bytes=size).compare(output, answer)

    assert case["accept"] == comparison.accepted, comparison.message
    assert comparison.accepted == (comparison.difference is None)
    if "at" in case:
        assert comparison.difference is not None
        assert case["at"] == [comparison.difference.line, comparison.difference.column]
        assert comparison.message.replace("\n", "").isprintable()
