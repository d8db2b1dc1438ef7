"""Every bound the engine keeps, with its unit in its name. Relations between them are asserted."""

KIB = 1024
MIB = 1024 * KIB

# What a package gets when it does not say (Problem Package Format 2025-09, "Limits").
MEMORY_BYTES_DEFAULT = 2048 * MIB
OUTPUT_BYTES_DEFAULT = 8 * MIB
SOURCE_BYTES_DEFAULT = 128 * KIB
COMPILE_CPU_MS_DEFAULT = 60_000
COMPILE_MEMORY_BYTES_DEFAULT = 2048 * MIB
VALIDATION_CPU_MS_DEFAULT = 60_000
VALIDATION_MEMORY_BYTES_DEFAULT = 2048 * MIB
VALIDATION_OUTPUT_BYTES_DEFAULT = 8 * MIB
VALIDATION_PASSES_DEFAULT = 2

# What no package may exceed on this engine.
MEMORY_BYTES_MAX = 8192 * MIB
CPU_MS_MAX = 600_000
OUTPUT_BYTES_MAX = 512 * MIB
SOURCE_FILES_MAX = 256
SOURCE_BYTES_MAX = 16 * MIB
ARTEFACT_BYTES_MAX = 256 * MIB

# An unpacked problem package. Test data compresses well, so only what comes out is bounded.
PACKAGE_FILES_MAX = 100_000
PACKAGE_BYTES_MAX = 4096 * MIB

# The time limit of a problem that leaves it open and has no submission to measure it with.
TIME_LIMIT_MS_DEFAULT = 10_000

# Wall time is a backstop for sleeping; CPU time is the limit that counts.
WALL_FACTOR = 2
WALL_EXTRA_MS = 2_000

# What the contestant is told of a compiler's output, and what is kept of a run's stderr.
COMPILE_LOG_BYTES_MAX = 64 * KIB
STDERR_BYTES_MAX = 64 * KIB
FEEDBACK_BYTES_MAX = 1 * MIB

# What is kept of a trial's run, and how many of a problem's samples one trial runs.
TRIAL_STDOUT_BYTES_MAX = 16 * KIB
TRIAL_STDERR_BYTES_MAX = 4 * KIB
TRIAL_SAMPLES_MAX = 20

PROCESSES_DEFAULT = 128
OPEN_FILES_DEFAULT = 256
COMPILE_PROCESSES = 256

# Protocol with warden (sandboxes/warden/PROTOCOL.md).
FRAME_BYTES_MAX = 64 * KIB
PUT_BYTES_MAX = 512 * MIB

# Output held in the worker's memory before it moves to a file.
SPOOL_MEMORY_BYTES = 1 * MIB

# A CPU time this close to its limit is marked in the record.
NEAR_LIMIT_PERCENT = 10

# A judging that fails through our fault is tried this often before it is a judge error.
JUDGE_ATTEMPTS_MAX = 3

assert TRIAL_STDERR_BYTES_MAX <= STDERR_BYTES_MAX
assert SPOOL_MEMORY_BYTES >= FRAME_BYTES_MAX
assert MEMORY_BYTES_DEFAULT <= MEMORY_BYTES_MAX
assert OUTPUT_BYTES_DEFAULT <= OUTPUT_BYTES_MAX
