"""The programs that are judged, and their small tests: a day's shortest deliveries in a grid town.

Every language solves the same task: read n and m, then m weighted edges, print the distance from
1 to n. `{tag}` in a source makes it new to any cache.
"""

import random

from benchmarks.bare import ENV, Step
from judge.languages import get

CPP = """// {tag}
#include <bits/stdc++.h>
using namespace std;

int main() {
    ios::sync_with_stdio(false);
    cin.tie(nullptr);
    int n, m;
    cin >> n >> m;
    vector<vector<pair<int, int>>> graph(n + 1);
    for (int i = 0; i < m; i++) {
        int a, b, w;
        cin >> a >> b >> w;
        graph[a].push_back({b, w});
        graph[b].push_back({a, w});
    }
    vector<long long> best(n + 1, LLONG_MAX);
    priority_queue<pair<long long, int>, vector<pair<long long, int>>, greater<>> queue;
    best[1] = 0;
    queue.push({0, 1});
    while (!queue.empty()) {
        auto [d, at] = queue.top();
        queue.pop();
        if (d > best[at]) continue;
        for (auto [to, w] : graph[at])
            if (d + w < best[to]) {
                best[to] = d + w;
                queue.push({best[to], to});
            }
    }
    map<string, int> words;
    words["seen"] = count_if(best.begin(), best.end(), [](long long d) { return d < LLONG_MAX; });
    cout << best[n] << "\\n";
}
"""
C = """/* {tag} */
#include <stdio.h>
int main(void) {
    static long long best[2000];
    static int a[5000], b[5000], w[5000];
    int n, m;
    if (scanf("%d %d", &n, &m) != 2) return 1;
    for (int i = 0; i < m; i++) if (scanf("%d %d %d", a + i, b + i, w + i) != 3) return 1;
    for (int i = 2; i <= n; i++) best[i] = 1LL << 60;
    for (int more = 1; more;) {
        more = 0;
        for (int i = 0; i < m; i++) {
            if (best[a[i]] + w[i] < best[b[i]]) { best[b[i]] = best[a[i]] + w[i]; more = 1; }
            if (best[b[i]] + w[i] < best[a[i]]) { best[a[i]] = best[b[i]] + w[i]; more = 1; }
        }
    }
    printf("%lld\\n", best[n]);
    return 0;
}
"""
PYTHON = """# {tag}
import sys
from heapq import heappop, heappush

def main():
    data = list(map(int, sys.stdin.buffer.read().split()))
    n, m = data[0], data[1]
    graph = [[] for _ in range(n + 1)]
    for i in range(2, 2 + 3 * m, 3):
        a, b, w = data[i:i + 3]
        graph[a].append((b, w))
        graph[b].append((a, w))
    best = [1 << 60] * (n + 1)
    best[1] = 0
    queue = [(0, 1)]
    while queue:
        d, at = heappop(queue)
        if d > best[at]:
            continue
        for to, w in graph[at]:
            if d + w < best[to]:
                best[to] = d + w
                heappush(queue, (d + w, to))
    print(best[n])

main()
"""
JAVASCRIPT = """// {tag}
const data = require("fs").readFileSync(0, "utf8").split(/\\s+/).map(Number);
const [n, m] = data;
const best = new Array(n + 1).fill(Infinity);
best[1] = 0;
for (let more = true; more;) {
    more = false;
    for (let i = 2; i < 2 + 3 * m; i += 3) {
        const a = data[i], b = data[i + 1], w = data[i + 2];
        if (best[a] + w < best[b]) { best[b] = best[a] + w; more = true; }
        if (best[b] + w < best[a]) { best[a] = best[b] + w; more = true; }
    }
}
console.log(String(best[n]));
"""
JAVA = """// {tag}
import java.io.*;
import java.util.*;

public class Main {
    public static void main(String[] args) throws IOException {
        StreamTokenizer in = new StreamTokenizer(new BufferedInputStream(System.in));
        in.nextToken();
        int n = (int) in.nval;
        in.nextToken();
        int m = (int) in.nval;
        int[][] edges = new int[m][3];
        for (int[] edge : edges)
            for (int k = 0; k < 3; k++) {
                in.nextToken();
                edge[k] = (int) in.nval;
            }
        long[] best = new long[n + 1];
        Arrays.fill(best, Long.MAX_VALUE / 2);
        best[1] = 0;
        for (boolean more = true; more;) {
            more = false;
            for (int[] e : edges) {
                if (best[e[0]] + e[2] < best[e[1]]) { best[e[1]] = best[e[0]] + e[2]; more = true; }
                if (best[e[1]] + e[2] < best[e[0]]) { best[e[0]] = best[e[1]] + e[2]; more = true; }
            }
        }
        System.out.println(best[n]);
    }
}
"""
GO = """// {tag}
package main

import (
	"bufio"
	"fmt"
	"os"
)

func main() {
	in := bufio.NewReader(os.Stdin)
	var n, m int
	fmt.Fscan(in, &n, &m)
	edges := make([][3]int, m)
	for i := range edges {
		fmt.Fscan(in, &edges[i][0], &edges[i][1], &edges[i][2])
	}
	best := make([]int, n+1)
	for i := 2; i <= n; i++ {
		best[i] = 1 << 60
	}
	for more := true; more; {
		more = false
		for _, e := range edges {
			if best[e[0]]+e[2] < best[e[1]] {
				best[e[1]] = best[e[0]] + e[2]
				more = true
			}
			if best[e[1]]+e[2] < best[e[0]] {
				best[e[0]] = best[e[1]] + e[2]
				more = true
			}
		}
	}
	fmt.Println(best[n])
}
"""
RUST = """// {tag}
use std::io::{self, Read};

fn main() {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).unwrap();
    let data: Vec<usize> = text.split_whitespace().map(|w| w.parse().unwrap()).collect();
    let (n, m) = (data[0], data[1]);
    let mut best = vec![1usize << 60; n + 1];
    best[1] = 0;
    let mut more = true;
    while more {
        more = false;
        for e in data[2..2 + 3 * m].chunks(3) {
            if best[e[0]] + e[2] < best[e[1]] { best[e[1]] = best[e[0]] + e[2]; more = true; }
            if best[e[1]] + e[2] < best[e[0]] { best[e[0]] = best[e[1]] + e[2]; more = true; }
        }
    }
    println!("{}", best[n]);
}
"""

# File name and source per language; the order is that of a mixed queue.
SOURCES = {
    "cpp": ("main.cpp", CPP),
    "java": ("Main.java", JAVA),
    "python3": ("main.py", PYTHON),
    "rust": ("main.rs", RUST),
    "c": ("main.c", C),
    "go": ("main.go", GO),
    "javascript": ("main.js", JAVASCRIPT),
    "pypy3": ("main.py", PYTHON),
}
MEMORY_BYTES = 1 << 30


def cases(count: int) -> list[tuple[bytes, bytes]]:
    """Return small inputs and their answers; the same at every call."""
    chance = random.Random(20)
    made = []
    for number in range(count):
        n = 20 + 5 * number
        edges = [(at, at + 1, chance.randint(1, 100)) for at in range(1, n)]
        edges += [
            (chance.randint(1, n), chance.randint(1, n), chance.randint(1, 1000))
            for _ in range(2 * n)
        ]
        lines = [f"{n} {len(edges)}", *(f"{a} {b} {w}" for a, b, w in edges)]
        made.append(("\n".join(lines).encode() + b"\n", f"{_distance(n, edges)}\n".encode()))
    return made


def _distance(n: int, edges: list[tuple[int, int, int]]) -> int:
    best = [0, 0, *[1 << 60] * (n - 1)]
    changed = True
    while changed:
        changed = False
        for a, b, w in edges:
            for x, y in ((a, b), (b, a)):
                if best[x] + w < best[y]:
                    best[y], changed = best[x] + w, True
    return best[n]


def sources(language: str, tag: object) -> dict[str, str]:
    """Return the files of a submission no cache has seen."""
    name, text = SOURCES[language]
    return {name: text.replace("{tag}", str(tag))}


def bare_steps(language: str, inputs: list[str]) -> list[Step]:
    """Return what compiles and runs a submission with the flags and environment we use."""
    found = get(language)
    name, _ = SOURCES[language]
    steps = []
    if found.compile is not None:
        argv = found.compile_argv({name: b""}, entry=name, memory_bytes=MEMORY_BYTES)
        steps.append(Step(argv=argv, env={**ENV, **found.compile.env}))
    argv = found.run_argv(entry=name, main_class="Main", memory_bytes=MEMORY_BYTES, prog="/prog")
    env = {**ENV, **found.run_env(memory_bytes=MEMORY_BYTES)}
    return [*steps, *(Step(argv=argv, env=env, stdin=path) for path in inputs)]
