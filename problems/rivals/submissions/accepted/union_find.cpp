// Prefers the blue table, so its seatings differ from the judge's.
#include <bits/stdc++.h>
using namespace std;

static vector<int> parent;

static int find_root(int v)
{
    while (parent[v] != v)
        v = parent[v] = parent[parent[v]];
    return v;
}

int main()
{
    int n, m;
    scanf("%d %d", &n, &m);
    parent.resize(2 * n);
    iota(parent.begin(), parent.end(), 0);
    while (m--) {
        int a, b;
        scanf("%d %d", &a, &b);
        a--, b--;
        parent[find_root(a)] = find_root(b + n);
        parent[find_root(b)] = find_root(a + n);
    }
    string seating(n, '?');
    map<int, char> side;
    for (int v = 0; v < n; v++) {
        int here = find_root(v), there = find_root(v + n);
        if (here == there) {
            puts("IMPOSSIBLE");
            return 0;
        }
        if (!side.contains(here)) {
            side[here] = 'B';
            side[there] = 'A';
        }
        seating[v] = side[here];
    }
    puts(seating.c_str());
}
