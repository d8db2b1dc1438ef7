"""The languages we offer, as data: one TOML file each, read once, checked strictly.

README.md beside this file documents the format.
"""

from judge.languages.detect import UnsupportedLanguageError, detect
from judge.languages.load import find, get, languages
from judge.languages.model import CompileStep, Entry, EntryRule, Language, MemoryRule, RunStep

__all__ = [
    "CompileStep",
    "Entry",
    "EntryRule",
    "Language",
    "MemoryRule",
    "RunStep",
    "UnsupportedLanguageError",
    "detect",
    "find",
    "get",
    "languages",
]
