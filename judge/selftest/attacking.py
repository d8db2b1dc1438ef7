"""Carry out one attack in a slot, then judge the innocent submission there.

Actors: the *slot* under attack, and optionally a *neighbour* slot that works at the same time.
Every submission is treated as the engine treats one: wipe, place the program, run its tests.
Whatever the port raises, and whatever takes longer than its limits allow, is a success of the
attack: one submission must not cost the next one its sandbox.
"""

import asyncio
import time
from dataclasses import dataclass, field, replace

from judge import limits
from judge.errors import EngineError, SandboxError
from judge.sandbox.base import Area, Command, File, Role, RunLimits, Sandbox, Slot
from judge.selftest.building import (
    ENVIRONMENT,
    Builder,
    Program,
    compile_command,
    headers,
)
from judge.selftest.corpus import ROOT, Attack, Step
from judge.selftest.expecting import (
    SECRET,
    Capture,
    Judged,
    compile_problems,
    innocent_problems,
    problems,
    slowdown_problems,
    validator_problems,
)
from judge.selftest.report import AttackResult

INNOCENT = ROOT / "innocent.c"
INNOCENT_STEP = Step(cpu_ms=2000, wall_ms=8000)
INNOCENT_INPUT = b"a number\n"
BAIT = File(path="secret", data=f"{SECRET}\n".encode())
# A second, were it not for whoever else wants the CPU: thrice, as with every limit on elapsed time.
WIPE_MS_MAX = 3000
# As the engine has it: a validator outlives a submission that only waits.
VALIDATOR_WALL_EXTRA_MS = 2000
GRACE_S = 20.0
# The quickest of so many counts: whatever else the machine does comes and goes.
SLOWDOWN_ROUNDS = 5


@dataclass(slots=True, kw_only=True)
class Attacker:
    """Attacks one slot; remembers how the innocent submission looked before the first attack."""

    slot: Slot
    neighbour: Slot | None = None
    backend: str = ""
    _builder: Builder = field(default_factory=Builder)
    _before: dict[str, Judged] = field(default_factory=dict)

    async def carry_out(self, attack: Attack) -> AttackResult:
        """Run every step, each submission followed by the innocent one in the same sandbox."""
        started = time.monotonic()
        found: list[str] = []
        tried = 0
        skipped = await self._build_all(attack)
        for index, step in enumerate(attack.steps, start=1):
            where = f"step {index} ({' '.join((step.source or step.kind, *step.args))})"
            more_tests = index < len(attack.steps) and attack.steps[index].same_lease
            try:
                await self._baseline(step.image)
                if reason := await self._inapplicable(step):
                    skipped.append(f"{where}: {reason}")
                    continue
                told = await self._bounded(attack, step)
                tried += 1
                if not more_tests:
                    told += await self._innocent_after(step.image)
            except EngineError as error:
                skipped.append(f"{where}: {error}")
                continue
            found += [f"{where}: {text}" for text in told]
        return AttackResult(
            number=attack.number,
            name=attack.name,
            seconds=time.monotonic() - started,
            tried=tried,
            problems=tuple(found),
            skipped=tuple(skipped),
        )

    async def _inapplicable(self, step: Step) -> str:
        info = (await self.slot.sandbox(step.image)).info
        if step.neighbour and self.neighbour is None:
            return "needs a second slot"
        if step.backends and info.backend not in step.backends:
            return f"not claimed for {info.backend}"
        if step.needs_cgroup and info.memory_accounting == "sampling":
            return "memory is sampled here: no control group"
        return ""

    async def _build_all(self, attack: Attack) -> list[str]:
        """Compile beforehand: compiling wipes, which must not happen between two tests."""
        skipped = []
        for step in attack.steps:
            if step.kind not in {"run", "pair"}:
                continue
            for source in filter(None, (step.source, step.validator, step.neighbour)):
                try:
                    await self._builder.build(self.slot, attack.path(source))
                except EngineError as error:
                    skipped.append(f"{source}: {error}")
        return skipped

    async def _bounded(self, attack: Attack, step: Step) -> list[str]:
        # Three times the wall limit is what waiting for a busy CPU may cost; see PROTOCOL.md.
        times = step.repeat * (2 * SLOWDOWN_ROUNDS if step.slowdown_max else 1)
        bound_s = times * (3 * step.wall_ms / 1000 + GRACE_S) + GRACE_S
        told: list[str] = []
        try:
            async with asyncio.timeout(bound_s):
                for _ in range(step.repeat):
                    told += await self._submission(attack, step)
        except TimeoutError:
            told.append(f"hung: no answer within {bound_s:.0f} s")
            await self._replace(step.image)
        except SandboxError as error:
            told.append(f"the sandbox is lost: {error}")
            await self._replace(step.image)
        return told

    async def _submission(self, attack: Attack, step: Step) -> list[str]:
        match step.kind:
            case "place":
                return await self._place(step)
            case "compile":
                return await self._compile(attack, step)
            case "pair":
                return await self._pair(attack, step)
            case _:
                return await self._run(attack, step)

    async def _run(self, attack: Attack, step: Step) -> list[str]:
        program = await self._builder.build(self.slot, attack.path(step.source))
        if step.neighbour:
            rival = await self._builder.build(self.slot, attack.path(step.neighbour))
        sandbox = await self.slot.sandbox(step.image)
        await _load(sandbox, program, step)
        if not step.neighbour or self.neighbour is None:
            judged = await _judge(sandbox, program, step)
            return list(problems(step, judged.outcome, judged.output))
        other = await self.neighbour.sandbox(step.image)
        same = step.neighbour == step.source
        rival_step = Step(cpu_ms=4000, wall_ms=8000, stdout=step.stdout if same else None)
        await _load(other, rival, rival_step)
        alone: list[int] = []
        beside: list[int] = []
        told: list[str] = []
        for _ in range(SLOWDOWN_ROUNDS if step.slowdown_max else 1):
            if step.slowdown_max:
                alone.append((await _judge(sandbox, program, step)).outcome.cpu_us)
            ours, theirs = await asyncio.gather(
                _judge(sandbox, program, step), _judge(other, rival, rival_step)
            )
            beside.append(ours.outcome.cpu_us)
            told += problems(step, ours.outcome, ours.output)
            around = problems(rival_step, theirs.outcome, theirs.output)
            told += [f"neighbour: {text}" for text in around]
        return told + list(slowdown_problems(step, alone, beside))

    async def _compile(self, attack: Attack, step: Step) -> list[str]:
        sandbox = await self.slot.sandbox(step.image)
        source = attack.path(step.source).read_bytes() if step.source else step.text.encode()
        name = step.source or step.name
        await sandbox.wipe()
        await sandbox.put(Area.PROGRAM, [*headers(), File(path=name, data=source)])
        if step.validator_secrets:
            await sandbox.put(Area.VALIDATOR, [BAIT])
        log = Capture(limit=limits.COMPILE_LOG_BYTES_MAX)
        outcome = await sandbox.run(compile_command(name, _limits(step, compiling=True)), log)
        said = log.text + outcome.stderr.decode("utf-8", "replace")
        return list(compile_problems(step, outcome, said))

    async def _pair(self, attack: Attack, step: Step) -> list[str]:
        program = await self._builder.build(self.slot, attack.path(step.source))
        validator = await self._builder.build(self.slot, attack.path(step.validator))
        sandbox = await self.slot.sandbox(step.image)
        await _load(sandbox, program, step)
        executable = File(path="validator", data=validator.files[0].data, executable=True)
        pair = await sandbox.run_pair(
            _command(program, step, role=Role.RUN),
            Command(
                argv=("/val/validator",),
                role=Role.VALIDATE,
                cwd=Area.VALIDATOR,
                env=ENVIRONMENT,
                limits=replace(_limits(step), wall_ms=step.wall_ms + VALIDATOR_WALL_EXTRA_MS),
                files=(executable, BAIT),
            ),
        )
        told = list(problems(step, pair.submission, Capture(limit=0)))
        return told + list(validator_problems(step, pair.validator))

    async def _place(self, step: Step) -> list[str]:
        """Offer unsafe names, each to a clean sandbox: the port must refuse every one."""
        told: list[str] = []
        for name in step.names:
            sandbox = await self.slot.sandbox(step.image)
            await sandbox.wipe()
            try:
                await sandbox.put(Area.PROGRAM, [File(path=name, data=b"x")])
                await sandbox.ping()
            except (SandboxError, ValueError):
                await sandbox.close()
                continue
            told.append(f"accepted the name {name!r}")
        return told

    async def _baseline(self, image: str) -> None:
        if image not in self._before:
            self.backend = (await self.slot.sandbox(image)).info.backend
            first = await self._innocent(image)
            second = await self._innocent(image)
            if not first.outcome.ok or list(innocent_problems(first, second)):
                log = first.outcome.stderr.decode("utf-8", "replace")
                raise EngineError(
                    f"image {image}: the innocent program is not judged twice alike: "
                    f"{first.outcome.cause} {first.outcome.message} {log} "
                    f"{list(innocent_problems(first, second))}"
                )
            self._before[image] = first

    async def _innocent(self, image: str) -> Judged:
        program = await self._builder.build(self.slot, INNOCENT)
        sandbox = await self.slot.sandbox(image)
        await _load(sandbox, program, INNOCENT_STEP)
        return await _judge(sandbox, program, INNOCENT_STEP, INNOCENT_INPUT)

    async def _innocent_after(self, image: str) -> list[str]:
        try:
            async with asyncio.timeout(3 * INNOCENT_STEP.wall_ms / 1000 + GRACE_S):
                sandbox = await self.slot.sandbox(image)
                started = time.monotonic()
                await sandbox.wipe()
                wipe_ms = (time.monotonic() - started) * 1000
                told = list(innocent_problems(self._before[image], await self._innocent(image)))
        except TimeoutError:
            await self._replace(image)
            return ["innocent: hung"]
        except SandboxError as error:
            await self._replace(image)
            return [f"innocent: the sandbox is lost: {error}"]
        if wipe_ms > WIPE_MS_MAX:
            told.append(f"cleaning took {wipe_ms:.0f} ms")
        return told

    async def _replace(self, image: str) -> None:
        """Give up a lost sandbox; the slot starts another when asked next."""
        await (await self.slot.sandbox(image)).close()


async def _load(sandbox: Sandbox, program: Program, step: Step) -> None:
    if not step.same_lease:
        await sandbox.wipe()
    await sandbox.put(Area.PROGRAM, program.files)
    if step.validator_secrets:
        await sandbox.put(Area.VALIDATOR, [BAIT])


async def _judge(
    sandbox: Sandbox, program: Program, step: Step, stdin: bytes | None = None
) -> Judged:
    output = Capture(limit=limits.MIB)
    given = stdin if stdin is not None else b"0123456\n" * (step.stdin_mib * limits.MIB // 8)
    command = _command(program, step, role=Role.RUN, stdin=given or None)
    outcome = await sandbox.run(command, output)
    return Judged(outcome=outcome, output=output)


def _command(program: Program, step: Step, *, role: Role, stdin: bytes | None = None) -> Command:
    return Command(
        argv=(*program.argv, *step.args),
        role=role,
        env=ENVIRONMENT,
        limits=_limits(step),
        stdin=stdin,
        collect=step.collect,
    )


def _limits(step: Step, *, compiling: bool = False) -> RunLimits:
    wide = Step()
    return RunLimits(
        cpu_ms=10_000 if compiling and step.cpu_ms == wide.cpu_ms else step.cpu_ms,
        wall_ms=20_000 if compiling and step.wall_ms == wide.wall_ms else step.wall_ms,
        memory_bytes=(512 if compiling else step.memory_mib) * limits.MIB,
        output_bytes=(limits.COMPILE_LOG_BYTES_MAX if compiling else step.output_kib * 1024),
        processes=limits.COMPILE_PROCESSES if compiling else step.processes,
    )
