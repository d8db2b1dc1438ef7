#include <bits/stdc++.h>
using namespace std;

int main()
{
    int n, k;
    scanf("%d %d", &n, &k);
    vector<int> colours(n);
    for (int &colour : colours)
        scanf("%d", &colour);
    unordered_map<int, int> count;
    int best = 0;
    for (int start = 0, end = 0; end < n; end++) {
        count[colours[end]]++;
        for (; (int)count.size() > k; start++)
            if (--count[colours[start]] == 0)
                count.erase(colours[start]);
        best = max(best, end - start + 1);
    }
    printf("%d\n", best);
}
