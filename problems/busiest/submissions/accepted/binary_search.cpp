#include <bits/stdc++.h>
using namespace std;

int main()
{
    ios::sync_with_stdio(false);
    cin.tie(nullptr);
    int n;
    long long w;
    cin >> n >> w;
    vector<long long> moments(n);
    for (auto &moment : moments)
        cin >> moment;
    ranges::sort(moments);
    ptrdiff_t best = 0;
    for (auto first = moments.begin(); first != moments.end(); ++first)
        best = max(best, lower_bound(first, moments.end(), *first + w) - first);
    cout << best << '\n';
}
