"""Every attack of the corpus, on every real backend, each followed by the innocent submission."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from judge.selftest import Attack, Attacker, load_attacks

from .slots import BACKENDS, LaunchedSlot, missing, open_launcher

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

# What a backend openly does not claim; docs/threat-model.md says so as well.
NOT_CLAIMED = ("not claimed for", "memory is sampled here")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=BACKENDS)
async def attacker(request: pytest.FixtureRequest) -> AsyncIterator[Attacker]:
    launcher = open_launcher(request.param)
    slots = [LaunchedSlot(launcher, cpu=cpu, index=cpu) for cpu in (0, 1)]
    yield Attacker(slot=slots[0], neighbour=slots[1])
    for slot in slots:
        await slot.close()
    await launcher.close()


@pytest.mark.parametrize("attack", load_attacks(), ids=lambda attack: attack.name)
async def test_attack_is_stopped(attacker: Attacker, attack: Attack) -> None:
    """Nothing gets through, and the next submission is judged exactly as before."""
    result = await attacker.carry_out(attack)

    assert result.problems == ()
    untried = [why for why in result.skipped if not any(text in why for text in NOT_CLAIMED)]
    if untried:
        missing("; ".join(untried))
