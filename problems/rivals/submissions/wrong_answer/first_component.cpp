// Looks for odd rings only where player 1 can be reached.
#include <bits/stdc++.h>
using namespace std;

int main()
{
    int n, m;
    cin >> n >> m;
    vector<vector<int>> rivals(n);
    while (m--) {
        int a, b;
        cin >> a >> b;
        rivals[a - 1].push_back(b - 1);
        rivals[b - 1].push_back(a - 1);
    }
    string table(n, '?');
    queue<int> todo;
    todo.push(0);
    table[0] = 'A';
    while (!todo.empty()) {
        int a = todo.front();
        todo.pop();
        for (int b : rivals[a]) {
            if (table[b] == table[a]) {
                cout << "IMPOSSIBLE\n";
                return 0;
            }
            if (table[b] == '?') {
                table[b] = table[a] == 'A' ? 'B' : 'A';
                todo.push(b);
            }
        }
    }
    ranges::replace(table, '?', 'A');
    cout << table << '\n';
}
