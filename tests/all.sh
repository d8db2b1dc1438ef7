#!/bin/bash
# The tests for `make check` (with the word `fast`) and `make test`, which say where programs are
# (BIN), how tests are spread over processes (SPREAD) and what else pytest is told (PYTEST).
# Types are checked and missing images are built beside what needs neither; only what times
# sandboxes has the machine to itself, at the end.
set -euo pipefail
cd "$(dirname "$0")/.."

# These compute, or wait, and bear company.
untimed=(tests/api tests/unit tests/images tests/examples/test_generators.py)
read -ra spread <<< "$SPREAD"
eval "options=($PYTEST)"
log=$(mktemp)
trap 'rm -f "$log"; stop' EXIT

# What has ended is no job any more, and its number may be another's.
stop() {
    local left
    left=$(jobs -pr)
    # shellcheck disable=SC2086  (numbers, one each)
    if [ -n "$left" ]; then kill $left; fi
}

run() {
    local name=$1
    shift
    printf '\n== %s (after %s s)\n' "$name" "$SECONDS"
    "$BIN/pytest" "$@" "${options[@]}"
}

images_ready() {
    wait "$images" || { cat "$log"; exit 1; }
    cat "$log"
}

"$BIN/mypy" &
types=$!
if [ "${1-}" != fast ]; then
    "$BIN/codebattle" images build > "$log" 2>&1 &
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

if kill -0 "$images" 2> /dev/null; then
    run 'slow tests' -m 'slow and not docker' "${spread[@]}" "${untimed[@]}"
    images_ready
    run 'container tests' -m docker "${spread[@]}" "${untimed[@]}"
else
    # Side by side the long waits of the one are filled by the other.
    images_ready
    run 'slow tests and container tests' -m 'slow or docker' "${spread[@]}" "${untimed[@]}"
fi
run 'tests that time sandboxes' -m 'slow or docker' "${untimed[@]/#/--ignore=}"
printf '\n== all passed (after %s s)\n' "$SECONDS"
