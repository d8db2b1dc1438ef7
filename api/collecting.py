"""How often Python looks for cycles of garbage in the service's processes.

A page of a board makes thousands of small values that are gone a moment later, none of them in
cycles. By default Python looks at them all every 700, and now and then at everything there is.
"""

import gc

# New values between two looks at the new ones; the older ones are looked at as often by count.
NEW_VALUES = 20_000


def relax() -> None:
    """Look less often, and never at what is there already; once, when a process is ready."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_VALUES, *gc.get_threshold()[1:])
