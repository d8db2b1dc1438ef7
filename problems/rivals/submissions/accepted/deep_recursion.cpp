// Needs a stack that grows with the memory limit: 20 000 frames of 4 KiB each.
#include <bits/stdc++.h>
using namespace std;

static vector<vector<int>> rivals;
static string table;

static bool seat(int player, char side)
{
    volatile char padding[4096];
    padding[player % 4096] = side;
    table[player] = padding[player % 4096];
    for (int rival : rivals[player]) {
        if (table[rival] == side)
            return false;
        if (table[rival] == '?' && !seat(rival, side == 'A' ? 'B' : 'A'))
            return false;
    }
    return true;
}

int main()
{
    int n, m;
    cin >> n >> m;
    rivals.resize(n);
    table.assign(n, '?');
    while (m--) {
        int a, b;
        cin >> a >> b;
        rivals[a - 1].push_back(b - 1);
        rivals[b - 1].push_back(a - 1);
    }
    for (int player = 0; player < n; player++)
        if (table[player] == '?' && !seat(player, 'A')) {
            cout << "IMPOSSIBLE\n";
            return 0;
        }
    cout << table << '\n';
}
