"""An import hook and a forged package directory reach nothing but the program's own run."""

import importlib.abc
import os
import subprocess
import sys


class Hook(importlib.abc.MetaPathFinder):
    """Answer every import; only this process notices."""

    def find_spec(self, name, path, target=None):
        """Look at secrets on the way."""
        for secret in ("/val/secret", "/proc/1/environ", "/etc/shadow"):
            try:
                with open(secret, "rb") as file:
                    file.read(1)
                print("LEAK", secret)
            except OSError:
                continue


sys.meta_path.insert(0, Hook())
try:
    import nothing_of_that_name  # noqa: F401
except ImportError:
    pass
found = subprocess.run(["/bin/sh", "-c", "cat /val/* /proc/1/environ"], capture_output=True)
print("LEAK shell" if found.stdout else "blocked", os.path.exists("/val/secret") and "LEAK" or "", sep="")
