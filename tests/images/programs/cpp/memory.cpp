#include <bits/stdc++.h>
using namespace std;

int main()
{
    int live, garbage;
    cin >> live >> garbage;
    vector<vector<int>> kept;
    for (int i = 0; i < live; i++)
        kept.emplace_back(1 << 18, i);
    long sum = 0;
    for (int i = 0; i < garbage; i++)
        sum += vector<int>(1 << 18, i).at(i) - i;
    cout << kept.size() + sum << "\n";
}
