"""What a program may do to solve its problem, and the words that tell it, in all languages.

A feature is there or is not, and is called so that a person understands it: a closeness made of
features can be told in full. `featuring` reads them from a fingerprint.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from zlib import crc32

# What is stored carries it: features of another version are read anew.
VERSION = 1


class Feature(StrEnum):
    """One thing a program does. Stored: never change what one means, raise `VERSION`."""

    RECURSION = "recursion"
    BRANCHING = "branching recursion"
    SEARCH = "recursion inside a loop"
    MEMO = "memoised results"
    TABLE = "table of earlier results"
    ROLLING = "rolling variables"
    LOOP = "loop"
    NESTED = "nested loops"
    DEEP = "three nested loops"
    STRAIGHT = "no loop"
    SORT = "sort"
    BISECTION = "binary search"
    HALVING = "halving"
    SUBSETS = "bit masks"
    CHOICES = "permutations or combinations"
    MAP = "map"
    SET = "set"
    HEAP = "heap"
    QUEUE = "queue"
    STACK = "stack"
    MARKS = "marks in an array"
    LINKS = "links followed in an array"
    GRID = "2-d array"
    ARRAY = "array"
    POINTERS = "two pointers"
    SWAP = "swap"
    GCD = "greatest common divisor"
    ROOTS = "powers and roots"
    MODULO = "remainders"
    REVERSAL = "reversal"
    FOLD = "sum or fold"
    PATTERN = "regular expression"


# How much a feature says of the approach; a loop or a remainder is in programs of every kind.
WEIGHTS: Mapping[Feature, float] = {
    Feature.RECURSION: 3.0,
    Feature.BRANCHING: 1.0,
    Feature.SEARCH: 1.0,
    Feature.MEMO: 4.0,
    Feature.TABLE: 4.0,
    Feature.ROLLING: 2.0,
    Feature.LOOP: 0.5,
    Feature.NESTED: 1.0,
    Feature.DEEP: 2.0,
    Feature.STRAIGHT: 1.0,
    Feature.SORT: 2.5,
    Feature.BISECTION: 3.0,
    Feature.HALVING: 2.0,
    Feature.SUBSETS: 2.5,
    Feature.CHOICES: 3.0,
    Feature.MAP: 1.5,
    Feature.SET: 1.5,
    Feature.HEAP: 3.0,
    Feature.QUEUE: 3.0,
    Feature.STACK: 2.0,
    Feature.MARKS: 1.5,
    Feature.LINKS: 2.0,
    Feature.GRID: 0.5,
    Feature.ARRAY: 0.3,
    Feature.POINTERS: 2.0,
    Feature.SWAP: 1.0,
    Feature.GCD: 2.0,
    Feature.ROOTS: 0.5,
    Feature.MODULO: 1.0,
    Feature.REVERSAL: 1.5,
    Feature.FOLD: 0.5,
    Feature.PATTERN: 2.0,
}

# A feature says what the other says and more: a name needs only the first.
SAID_BY: Mapping[Feature, frozenset[Feature]] = {
    Feature.RECURSION: frozenset({Feature.BRANCHING, Feature.SEARCH}),
    Feature.LOOP: frozenset({Feature.NESTED, Feature.DEEP, Feature.TABLE, Feature.ROLLING}),
    Feature.NESTED: frozenset({Feature.DEEP}),
    Feature.ARRAY: frozenset({Feature.GRID, Feature.TABLE}),
}


def hashes(words: str) -> frozenset[int]:
    """Return words as fingerprints spell them."""
    return frozenset(crc32(word.encode()) for word in words.split())


# Names that mean the same thing wherever they stand.
_WORDS: Mapping[Feature, frozenset[int]] = {
    feature: hashes(words)
    for feature, words in {
        Feature.SORT: """
            sorted qsort stable_sort Sort sort_unstable sort_by sort_by_key sort_unstable_by
            sortWith sortedBy sortedWith sortBy sortDescending sortedDescending OrderBy
            OrderByDescending toSorted parallelSort Ints Strings Slice SliceStable""",
        Feature.BISECTION: """
            bisect bisect_left bisect_right insort lower_bound upper_bound equal_range
            binary_search binarySearch BinarySearch SearchInts partition_point""",
        Feature.CHOICES: """
            permutations combinations combinations_with_replacement product next_permutation
            prev_permutation powerset""",
        Feature.MAP: """
            dict defaultdict Counter OrderedDict unordered_map HashMap TreeMap LinkedHashMap Map
            BTreeMap Dictionary SortedDictionary mutableMapOf hashMapOf mapOf""",
        Feature.SET: """
            frozenset unordered_set HashSet TreeSet LinkedHashSet Set BTreeSet SortedSet
            mutableSetOf hashSetOf setOf toSet multiset""",
        Feature.HEAP: """
            heapq heappush heappop heapify heapreplace heappushpop priority_queue PriorityQueue
            BinaryHeap push_heap pop_heap make_heap""",
        Feature.QUEUE: "deque Queue VecDeque popleft pop_front",
        Feature.STACK: "Stack",
        Feature.GCD: "gcd __gcd GreatestCommonDivisor",
        Feature.ROOTS: "sqrt isqrt Sqrt pow Pow cbrt powi powf hypot",
        Feature.REVERSAL: "reverse reversed rev Reverse toReversed asReversed reverse_iter",
        Feature.FOLD: "sum Sum accumulate reduce fold Aggregate reduceRight",
        Feature.PATTERN: "regex Regex RegExp Regexp findall finditer fullmatch regex_match",
        Feature.SWAP: "swap swapAt Swap",
        Feature.LOOP: "forEach for_each ForEach repeat",
    }.items()
}
# Names that mean it before one of these marks only: `map` is a function, too.
WORDS_BEFORE: tuple[tuple[Feature, frozenset[int], frozenset[int]], ...] = (
    (Feature.MAP, hashes("map"), hashes("< [")),
    (Feature.SET, hashes("set"), hashes("< (")),
    (Feature.QUEUE, hashes("queue"), hashes("<")),
    (Feature.STACK, hashes("stack"), hashes("<")),
    (Feature.SORT, hashes("sort"), hashes("(")),
    (Feature.GCD, hashes("GCD"), hashes("(")),
)
FOUND_BY = {word: feature for feature, words in _WORDS.items() for word in words}


def sorted_features(found: Iterable[Feature]) -> tuple[Feature, ...]:
    """Return features by falling weight, the same order always."""
    return tuple(sorted(found, key=lambda one: (-WEIGHTS[one], one.value)))
