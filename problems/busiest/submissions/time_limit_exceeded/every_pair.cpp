#include <bits/stdc++.h>
using namespace std;

int main()
{
    int n;
    long long w;
    cin >> n >> w;
    vector<long long> moments(n);
    for (auto &moment : moments)
        cin >> moment;
    ranges::sort(moments);
    int best = 0;
    for (int first = 0; first < n; first++) {
        int last = first;
        while (last < n && moments[last] - moments[first] < w)
            last++;
        best = max(best, last - first);
    }
    cout << best << '\n';
}
