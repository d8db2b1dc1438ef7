"""Our languages and the grammars that read them, each imported when first needed."""

import importlib
from functools import cache

from tree_sitter import Language, Parser

# Language id of `judge/languages` → package of the grammar, its function, the family it is in.
# Submissions of one family are compared with each other as one language.
_GRAMMARS = {
    "c": ("tree_sitter_c", "language", "c"),
    "cpp": ("tree_sitter_cpp", "language", "c"),
    "csharp": ("tree_sitter_c_sharp", "language", "csharp"),
    "go": ("tree_sitter_go", "language", "go"),
    "java": ("tree_sitter_java", "language", "java"),
    "javascript": ("tree_sitter_javascript", "language", "javascript"),
    "kotlin": ("tree_sitter_kotlin", "language", "kotlin"),
    "pypy3": ("tree_sitter_python", "language", "python"),
    "python3": ("tree_sitter_python", "language", "python"),
    "rust": ("tree_sitter_rust", "language", "rust"),
    "typescript": ("tree_sitter_typescript", "language_typescript", "javascript"),
}


def supported() -> tuple[str, ...]:
    """Return the ids of the languages that have a grammar."""
    return tuple(sorted(_GRAMMARS))


def family(language: str) -> str:
    """Return which languages this one is compared with; its own id when no grammar is known."""
    known = _GRAMMARS.get(language)
    return known[2] if known else language


@cache
def grammar(language: str) -> Language | None:
    """Return the grammar of a language id, or None: then a plain lexer reads it."""
    known = _GRAMMARS.get(language)
    if known is None:
        return None
    module = importlib.import_module(known[0])
    return Language(getattr(module, known[1])())


def parser(language: str) -> Parser:
    """Return a parser of a language that has a grammar: of its own, for one thread and source."""
    found = grammar(language)
    assert found is not None
    return Parser(found)
