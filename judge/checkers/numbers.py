"""Numbers as packages write them: one grammar, exact values, no exponent that can hurt.

The 2025-09 format allows decimal notation only. The legacy format speaks of IEEE 754 sequences,
so hexadecimal numbers count there; infinities and NaN are never numbers but words, as in the
reference validator. Exponents beyond +-999999999 are outside the "reasonable limits" a judge may
set, and such a token is a word too.
"""

import re
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal

_DECIMAL = re.compile(
    rb"[+-]?(?:[0-9]*\.[0-9]+|[0-9]+\.?)(?:[eE][+-]?0*[0-9]{1,9})?",
)
_HEXADECIMAL = re.compile(
    rb"[+-]?0[xX](?:[0-9a-fA-F]*\.[0-9a-fA-F]+|[0-9a-fA-F]+\.?)(?:[pP][+-]?0*[0-9]{1,5})?",
)
_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
# Differences and products are rounded to this many digits: far more than any tolerance needs,
# few enough that operands 10**9 decades apart cost nothing.
_ROUGH = Context(prec=400, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
_HEX_CHARS_MAX = 64


def parse_number(token: bytes, *, hexadecimal: bool) -> Decimal | None:
    """Return the exact value of a token, or None when it is not a number."""
    if _DECIMAL.fullmatch(token):
        return _EXACT.create_decimal(token.decode("ascii"))
    if hexadecimal and len(token) <= _HEX_CHARS_MAX and _HEXADECIMAL.fullmatch(token):
        try:
            return Decimal(float.fromhex(token.decode("ascii")))
        except OverflowError:
            return None
    return None


def within(
    found: Decimal, expected: Decimal, *, absolute: Decimal | None, relative: Decimal | None
) -> bool:
    """Tell whether `found` is close enough to `expected` by either tolerance that is set."""
    distance = _ROUGH.abs(_ROUGH.subtract(found, expected))
    if absolute is not None and _ROUGH.compare(distance, absolute) <= 0:
        return True
    if relative is None:
        return False
    allowed = _ROUGH.multiply(relative, _ROUGH.abs(expected))
    return _ROUGH.compare(distance, allowed) <= 0
