"""Leaves notes everywhere for later runs; prints the answer only if one of them is still there."""

import contextlib
import os

handle = input()
found = False
for place in ("/tmp/note", "/dev/shm/note", "/box/note", "note", "/prog/note", "/dev/mqueue/note"):
    found |= os.path.exists(place)
    with contextlib.suppress(OSError), open(place, "w") as file:
        file.write(handle)
if found:
    print(f"Welcome to the arena, {handle}!")
