#!/bin/bash
# The tests for `make check` (with the word `fast`) and `make test`, which say where programs are
# (BIN), how tests are spread over processes (SPREAD) and what else pytest is told (PYTEST).
# Types are checked and missing images are built beside what needs neither. What times sandboxes
# comes at the end: what looks at the clock alone, the rest in two rows.
set -euo pipefail
cd "$(dirname "$0")/.."

# These compute, or wait, and bear company.
untimed=(tests/api tests/unit tests/images tests/contract tests/warden tests/chaos/test_chaos.py
    tests/hostile/test_engine_restart.py tests/hostile/test_worker_killed.py
    tests/examples/test_generators.py)
# This looks at the clock.
clocked=tests/chaos/test_failover.py
# Of the others these judge on every processor, and the rest on one at a time.
broad=tests/examples
read -ra spread <<< "$SPREAD"
eval "options=($PYTEST)"
scratch=$(mktemp -d)
trap 'stop; rm -rf "$scratch"' EXIT

# Starts something in the background, in a process group of its own.
beside() {
    set -m
    "$@" &
    set +m
}

# What has ended is no job any more, and its number may be another's.
stop() {
    local left
    # What is in the foreground has no group of its own.
    for left in $(jobs -pr); do kill -- "-$left" 2> /dev/null || kill "$left"; done
}

run() {
    local name=$1
    shift
    printf '\n== %s (after %s s)\n' "$name" "$SECONDS"
    "$BIN/pytest" "$@" "${options[@]}"
}

# Tests with the marker `docker` wait until the file says how it went (tests/conftest.py).
build_images() {
    local code=0
    "$BIN/codebattle" images build > "$scratch/images" 2>&1 || code=$?
    echo "$code" > "$CODEBATTLE_TEST_IMAGES_BUILT.new"
    mv "$CODEBATTLE_TEST_IMAGES_BUILT.new" "$CODEBATTLE_TEST_IMAGES_BUILT"
    return "$code"
}

ended() {
    local code=0
    wait "$1" || code=$?
    cat "$scratch/$2"
    return "$code"
}

beside "$BIN/mypy"
types=$!
if [ "${1-}" != fast ]; then
    export CODEBATTLE_TEST_IMAGES_BUILT=$scratch/built
    beside build_images
    images=$!
fi
compiled=$BIN/../.compiled
if ! [ -e "$compiled" ]; then
    # One process compiles what all workers import, which is a third of what each would do.
    "$BIN/pytest" --collect-only > /dev/null
    touch "$compiled"
fi
run 'fast tests' -m 'not slow and not docker' "${spread[@]}"
wait "$types"
if [ "${1-}" = fast ]; then exit; fi

# Side by side the long waits of the one are filled by the other.
code=0
run 'slow tests and container tests' -m 'slow or docker' "${spread[@]}" "${untimed[@]}" || code=$?
ended "$images" images
if [ "$code" != 0 ]; then exit "$code"; fi

run 'tests that look at the clock' -m 'slow or docker' "$clocked"
timed=(-m 'slow or docker' "--ignore=$clocked" "${untimed[@]/#/--ignore=}")
# Each program gets two thirds of a processor at least; what is said of time bears waiting thrice.
beside run 'tests that time sandboxes, on every processor' "${timed[@]}" "$broad" \
    > "$scratch/broad" 2>&1
other=$!
run 'tests that time sandboxes, one at a time' "${timed[@]}" "--ignore=$broad" || code=$?
ended "$other" broad
if [ "$code" != 0 ]; then exit "$code"; fi
printf '\n== all passed (after %s s)\n' "$SECONDS"
