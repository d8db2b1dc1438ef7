// A tree node per song needs about 90 MB.
#include <bits/stdc++.h>
using namespace std;

int main()
{
    uint64_t m, a, c, song;
    cin >> m >> a >> c >> song;
    set<uint64_t> songs;
    while (songs.insert(song).second)
        song = (a * song + c) % m;
    cout << songs.size() << '\n';
}
