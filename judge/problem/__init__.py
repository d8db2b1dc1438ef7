"""Reads problem packages: directory or archive in, frozen `Problem` out. Runs nothing."""

from judge.problem.check import check
from judge.problem.findings import Finding, Severity
from judge.problem.labels import verdict_named
from judge.problem.limiting import ComputedTimeLimit, compute_time_limit
from judge.problem.load import load
from judge.problem.model import (
    Aggregation,
    FormatVersion,
    GroupScoring,
    LegacyGrading,
    Limits,
    Metadata,
    OnReject,
    Problem,
    ProblemKind,
    SampleView,
    Statement,
    TestCase,
    TestGroup,
    TimeLimitSource,
    ValidatorArgs,
)
from judge.problem.programs import (
    CaseRule,
    ExampleSubmission,
    Expectation,
    LabelSource,
    ProgramKind,
    ProgramSource,
    ScoreRange,
    SourceFile,
)

__all__ = [
    "Aggregation",
    "CaseRule",
    "ComputedTimeLimit",
    "ExampleSubmission",
    "Expectation",
    "Finding",
    "FormatVersion",
    "GroupScoring",
    "LabelSource",
    "LegacyGrading",
    "Limits",
    "Metadata",
    "OnReject",
    "Problem",
    "ProblemKind",
    "ProgramKind",
    "ProgramSource",
    "SampleView",
    "ScoreRange",
    "Severity",
    "SourceFile",
    "Statement",
    "TestCase",
    "TestGroup",
    "TimeLimitSource",
    "ValidatorArgs",
    "check",
    "compute_time_limit",
    "load",
    "verdict_named",
]
