"""Uses no processor time at all for the longest handle, but never comes back."""

import time

handle = input()
print(f"Welcome to the arena, {handle}!", flush=True)
while len(handle) == 20:
    time.sleep(1)
