"""Plant what the next interpreter would load; say so when a former run's plant was loaded."""

import os
import sys

leaks = []
if getattr(sys, "poisoned", False) or "usercustomize" in sys.modules:
    leaks.append("a planted module was loaded")
places = ["/prog", "/prog/__pycache__", "/box", "/tmp", "/dev/shm", os.path.expanduser("~")]
places += [p for p in sys.path if p]
for place in sorted(set(places)):
    for name in ("sitecustomize.py", "usercustomize.py", "random.py", "x.pth", "main.py"):
        path = os.path.join(place, name)
        if place.startswith(("/box", "/tmp", "/dev/shm")):
            if os.path.exists(path):
                leaks.append(f"left over: {path}")
        try:
            os.makedirs(place, exist_ok=True)
            with open(path, "w") as file:
                file.write("import sys; sys.poisoned = True\n")
        except OSError:
            continue
        if not place.startswith(("/box", "/tmp", "/dev/shm")):
            leaks.append(f"wrote {path}")
home = os.environ.get("HOME", "")
if home and not home.startswith(("/box", "/tmp", "/nonexistent")):
    leaks.append(f"home is {home}")
print("\n".join("LEAK " + leak for leak in leaks) or "blocked")
