"""Every language, in its image, through the docker backend: compiles, runs, fails as it should."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from judge import languages
from judge.images import Images
from judge.languages import EntryRule, Language
from judge.limits import MIB
from judge.sandbox.base import Area, Cause, Command, File, Outcome, Role, RunLimits, Sandbox
from judge.sandbox.docker import DockerLauncher
from judge.spool import Spool

PROGRAMS = Path(__file__).parent / "programs"
LIMIT = 256

pytestmark = [pytest.mark.docker, pytest.mark.slow]


@pytest.fixture(params=sorted(languages.languages()))
def language(request: pytest.FixtureRequest) -> Language:
    return languages.get(request.param)


@pytest.fixture
async def sandbox(language: Language) -> AsyncIterator[Sandbox]:
    await asyncio.to_thread(Images().build, [language.image])
    launcher = DockerLauncher()
    try:
        sandbox = await launcher.launch(language.image, cpu=None, index=7)
        yield sandbox
        await sandbox.close()
    finally:
        await launcher.close()


async def test_a_program_compiles_and_runs(language: Language, sandbox: Sandbox) -> None:
    """A greeting comes back, so input, output and the entry point work."""
    run = await _built(language, sandbox, "hello")

    outcome, output = await _run(language, sandbox, run, b"World\n")

    assert outcome.ok, outcome
    assert output == b"Hello, World!\n"


async def test_a_broken_program_is_a_compile_error(language: Language, sandbox: Sandbox) -> None:
    """The compiler refuses it and names the file."""
    outcome, log = await _compile(language, sandbox, "broken")

    assert outcome.cause is Cause.EXITED
    assert outcome.exit_code != 0
    assert b"broken" in (outcome.stderr + log).lower()


async def test_a_crash_is_a_run_time_error(language: Language, sandbox: Sandbox) -> None:
    """Neither a success nor a limit: the program failed."""
    run = await _built(language, sandbox, "crash")

    outcome, _ = await _run(language, sandbox, run, b"")

    assert outcome.cause in {Cause.EXITED, Cause.SIGNALLED}
    assert not outcome.ok
    assert not language.ran_out_of_memory(outcome.exit_code, outcome.stderr)


async def test_memory_is_the_programs_own(language: Language, sandbox: Sandbox) -> None:
    """Nine tenths of the limit live is fine, eleven tenths is too much, garbage does not count."""
    run = await _built(language, sandbox, "memory")

    within, kept = await _run(language, sandbox, run, f"{LIMIT * 9 // 10} 0\n".encode())
    beyond, _ = await _run(language, sandbox, run, f"{LIMIT * 11 // 10} 0\n".encode())
    rubbish, churned = await _run(language, sandbox, run, b"16 1500\n")

    assert within.ok, within
    assert kept.split() == [str(LIMIT * 9 // 10).encode()]
    assert beyond.cause is Cause.MEMORY_LIMIT or language.ran_out_of_memory(
        beyond.exit_code, beyond.stderr
    ), beyond
    assert rubbish.ok, rubbish
    assert churned.split() == [b"16"]


async def _compile(language: Language, sandbox: Sandbox, stem: str) -> tuple[Outcome, bytes]:
    files = _sources(language, stem)
    await sandbox.put(Area.PROGRAM, [File(path=path, data=data) for path, data in files.items()])
    assert language.compile is not None
    step = language.compile
    log = Spool()
    command = Command(
        argv=language.compile_argv(files, memory_bytes=2048 * MIB),
        role=Role.COMPILE,
        cwd=Area.PROGRAM,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", **step.env},
        limits=RunLimits(
            cpu_ms=60_000,
            wall_ms=120_000,
            memory_bytes=2048 * MIB,
            output_bytes=MIB,
            file_bytes=256 * MIB,
            processes=step.processes,
        ),
    )
    outcome = await sandbox.run(command, log)
    return outcome, log.head(MIB)


async def _built(language: Language, sandbox: Sandbox, stem: str) -> tuple[str, ...]:
    outcome, log = await _compile(language, sandbox, stem)
    assert outcome.ok, (outcome, log)
    files = _sources(language, stem)
    entry = language.entry_source(files)
    main_class = None
    if language.entry.rule is EntryRule.CLASS:
        outputs = await sandbox.get(Area.PROGRAM, bytes_max=MIB)
        contents = {file.path: file.data for file in outputs if isinstance(file.data, bytes)}
        main_class = language.main_class(files, contents)
    return language.run_argv(entry=entry, main_class=main_class, memory_bytes=LIMIT * MIB)


async def _run(
    language: Language, sandbox: Sandbox, argv: tuple[str, ...], stdin: bytes
) -> tuple[Outcome, bytes]:
    memory = LIMIT * MIB
    output = Spool()
    command = Command(
        argv=argv,
        role=Role.RUN,
        cwd=Area.BOX,
        env={
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            **language.run_env(memory_bytes=memory),
        },
        stdin=stdin,
        limits=RunLimits(
            cpu_ms=20_000,
            wall_ms=60_000,
            memory_bytes=language.enforced_bytes(memory),
            output_bytes=MIB,
            processes=language.run.processes,
        ),
    )
    outcome = await sandbox.run(command, output)
    return outcome, output.head(MIB)


def _sources(language: Language, stem: str) -> dict[str, bytes]:
    found = sorted((PROGRAMS / language.id).glob(f"{stem}.*"))
    assert found, f"tests/images/programs/{language.id}/{stem}.* is missing"
    return {path.name: path.read_bytes() for path in found}
