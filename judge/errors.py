"""Everything the engine raises, drawn once.

CodebattleError                 base; `exit_code` is what the command line exits with
 ├─ UsageError                  2  the caller asked for something that does not exist
 ├─ PackageError                3  a problem package is broken: names the file and the key
 ├─ SourceError                 4  a submission cannot be accepted: too large, no language, bad name
 ├─ EngineError                 5  a missing engine, image or tool: says the remedy
 │   ├─ EngineAwayError            the engine does not answer; it may be back at any time
 │   └─ ToolMissingError           where we judge there is no compiler of that language
 └─ SandboxError                6  our failure while judging: becomes a judge error (JE)
     ├─ SandboxLostError           the container died, the stream closed, an answer came too late
     └─ SandboxDirtyError          something survived a wipe: the sandbox must be retired

A contestant's fault is never an exception: it is a `Verdict`.
A bug is an assertion or any other exception, and is not caught.
"""


class CodebattleError(Exception):
    """Base of every expected failure; its text is one line fit for a person."""

    exit_code = 1


class UsageError(CodebattleError):
    """The caller named something that does not exist or does not fit together."""

    exit_code = 2


class PackageError(CodebattleError):
    """A problem package is broken; the text starts with `file:` and, where known, the key."""

    exit_code = 3


class SourceError(CodebattleError):
    """A submission cannot be judged as given: too large, unknown language, unsafe name."""

    exit_code = 4


class EngineError(CodebattleError):
    """This machine lacks something; the text ends with the remedy."""

    exit_code = 5


class EngineAwayError(EngineError):
    """The sandbox engine does not answer; it may be back at any time."""


class ToolMissingError(EngineError):
    """There is no compiler of a language where the sandboxes run."""


class SandboxError(CodebattleError):
    """We failed while judging; the judging may be retried elsewhere."""

    exit_code = 6


class SandboxLostError(SandboxError):
    """The sandbox is gone: its stream closed or its answer is overdue."""


class SandboxDirtyError(SandboxError):
    """Something survived a wipe; the sandbox must not be used again."""
