#include <bits/stdc++.h>
using namespace std;

int main()
{
    int n, c;
    cin >> n >> c;
    vector<int> worth(c + 1);
    vector<vector<bool>> taken(n, vector<bool>(c + 1));
    vector<int> weight(n);
    for (int i = 0; i < n; i++) {
        int v;
        cin >> weight[i] >> v;
        for (int room = c; room >= weight[i]; room--)
            if (worth[room - weight[i]] + v > worth[room]) {
                worth[room] = worth[room - weight[i]] + v;
                taken[i][room] = true;
            }
    }
    vector<int> loot;
    for (int i = n - 1, room = c; i >= 0; i--)
        if (taken[i][room]) {
            loot.push_back(i + 1);
            room -= weight[i];
        }
    cout << loot.size() << '\n';
    for (int i : loot)
        cout << i << ' ';
    cout << '\n';
}
