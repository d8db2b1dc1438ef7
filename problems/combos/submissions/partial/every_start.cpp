// Quadratic: fast enough up to 3000 hits.
#include <bits/stdc++.h>
using namespace std;

int main()
{
    int n, k;
    cin >> n >> k;
    vector<int> colours(n);
    for (int &colour : colours)
        cin >> colour;
    int best = 0;
    for (int start = 0; start < n; start++) {
        map<int, int> seen;
        int end = start;
        while (end < n && (seen.contains(colours[end]) || (int)seen.size() < k))
            seen[colours[end++]]++;
        best = max(best, end - start);
    }
    cout << best << '\n';
}
