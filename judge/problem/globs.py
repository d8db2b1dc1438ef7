"""Glob patterns of `submissions.yaml`: `*` within one name, and braces; nothing else."""

import re
from functools import cache

PATTERN_CHARS_MAX = 1000
_ALTERNATIVES_MAX = 256


class GlobError(ValueError):
    """A pattern that cannot be used; the text says why."""


def matches(pattern: str, path: str) -> bool:
    """Tell whether the pattern matches the path or a directory above it."""
    compiled = compile_glob(pattern.strip("/"))
    parts = path.split("/")
    return any(compiled.fullmatch("/".join(parts[:end])) for end in range(1, len(parts) + 1))


@cache
def compile_glob(pattern: str) -> re.Pattern[str]:
    """Return the pattern as a regular expression."""
    if len(pattern) > PATTERN_CHARS_MAX:
        raise GlobError(f"longer than {PATTERN_CHARS_MAX} characters")
    # Stars run together mean one star, and each matches within one name: no room for blow-up.
    texts = (re.sub(r"\*+", "*", text) for text in _expand(pattern))
    return re.compile("|".join("[^/]*".join(map(re.escape, text.split("*"))) for text in texts))


def _expand(pattern: str) -> list[str]:
    """Expand braces from the inside out."""
    done: list[str] = []
    waiting = [pattern]
    while waiting:
        text = waiting.pop()
        match = re.search(r"\{([^{}]*)\}", text)
        if match is None:
            if "{" in text or "}" in text:
                raise GlobError("braces do not match")
            done.append(text)
        else:
            head, tail = text[: match.start()], text[match.end() :]
            waiting += [head + part + tail for part in match[1].split(",")]
        if len(done) + len(waiting) > _ALTERNATIVES_MAX:
            raise GlobError(f"more than {_ALTERNATIVES_MAX} alternatives")
    return done
