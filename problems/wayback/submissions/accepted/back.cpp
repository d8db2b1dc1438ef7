#include <bits/stdc++.h>
using namespace std;

int main()
{
    ios::sync_with_stdio(false);
    cin.tie(nullptr);
    string steps;
    cin >> steps;
    ranges::reverse(steps);
    for (char &step : steps)
        step = step == 'N' ? 'S' : step == 'S' ? 'N' : step == 'E' ? 'W' : 'E';
    cout << steps << '\n';
}
