"""What we conclude about a run or a submission: the closed set of verdicts and its coarse mapping.

Not to be confused with what the sandbox saw (`judge.sandbox.base.Cause`).
"""

from enum import StrEnum


class Verdict(StrEnum):
    """A judgement type, stored fine; `big5` gives the coarse form that is published."""

    AC = "AC"
    WA = "WA"
    TLE = "TLE"
    MLE = "MLE"
    OLE = "OLE"
    RTE = "RTE"
    CE = "CE"
    SV = "SV"
    JE = "JE"

    @property
    def label(self) -> str:
        """Return the name a person reads."""
        return _TITLES[self]

    @property
    def big5(self) -> "Verdict":
        """Map to AC, WA, TLE, RTE or CE (CLICS known judgement types); JE stays JE."""
        return _BIG5.get(self, self)


_TITLES = {
    Verdict.AC: "accepted",
    Verdict.WA: "wrong answer",
    Verdict.TLE: "time limit exceeded",
    Verdict.MLE: "memory limit exceeded",
    Verdict.OLE: "output limit exceeded",
    Verdict.RTE: "run-time error",
    Verdict.CE: "compile error",
    Verdict.SV: "security violation",
    Verdict.JE: "judge error",
}

_BIG5 = {Verdict.MLE: Verdict.RTE, Verdict.OLE: Verdict.WA, Verdict.SV: Verdict.RTE}
