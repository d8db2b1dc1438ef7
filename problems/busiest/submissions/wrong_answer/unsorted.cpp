// Believes that the customers are listed in the order they came.
#include <bits/stdc++.h>
using namespace std;

int main()
{
    int n;
    long long w;
    cin >> n >> w;
    deque<long long> period;
    size_t best = 0;
    for (int i = 0; i < n; i++) {
        long long moment;
        cin >> moment;
        period.push_back(moment);
        while (period.back() - period.front() >= w)
            period.pop_front();
        best = max(best, period.size());
    }
    cout << best << '\n';
}
