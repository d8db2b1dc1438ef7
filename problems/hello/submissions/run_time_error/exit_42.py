"""42 means something to a validator's caller; here it is a failure like any other."""

import sys

print(f"Welcome to the arena, {input()}!", flush=True)
sys.exit(42)
