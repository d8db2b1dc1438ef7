"""Constants of a 2025-09 package: `{{name}}` and `{{name.variant}}` stand for their values.

They are filled into validators, included files, example submissions, Markdown statements and
`test_group.yaml`; never into test data or `problem.yaml`.
"""

import re
from collections.abc import Mapping

NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_SEQUENCE = re.compile(rb"\{\{([a-zA-Z_][a-zA-Z0-9_]*(?:\.[a-zA-Z0-9_]+)?)\}\}")


def fill(data: bytes, constants: Mapping[str, str]) -> bytes:
    """Return the text with every known constant in place; unknown sequences stay as they are."""

    def value(match: re.Match[bytes]) -> bytes:
        found = constants.get(match[1].decode("ascii"))
        return match[0] if found is None else found.encode()

    return _SEQUENCE.sub(value, data)


def unknown(data: bytes, constants: Mapping[str, str]) -> list[str]:
    """Return the names in the text that look like constants and are not, sorted."""
    names = {match[1].decode("ascii") for match in _SEQUENCE.finditer(data)}
    return sorted(names - set(constants))
