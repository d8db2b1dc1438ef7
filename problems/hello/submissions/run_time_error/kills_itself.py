"""Looks as if the judge had killed it."""

import os
import signal

print(f"Welcome to the arena, {input()}!", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
