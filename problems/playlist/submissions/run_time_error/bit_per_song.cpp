// One bit for each song there might be: up to 250 MB.
#include <bits/stdc++.h>
using namespace std;

int main()
{
    uint64_t m, a, c, song;
    cin >> m >> a >> c >> song;
    vector<bool> heard(m);
    uint64_t count = 0;
    for (; !heard[song]; count++) {
        heard[song] = true;
        song = (a * song + c) % m;
    }
    cout << count << '\n';
}
