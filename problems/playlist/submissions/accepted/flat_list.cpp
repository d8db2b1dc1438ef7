// Four bytes per song: 8 MB, sorted, fit where a set of nodes does not.
#include <bits/stdc++.h>
using namespace std;

int main()
{
    uint64_t m, a, c, song;
    cin >> m >> a >> c >> song;
    vector<uint32_t> songs(2'000'001);
    for (auto &entry : songs) {
        entry = song;
        song = (a * song + c) % m;
    }
    ranges::sort(songs);
    cout << unique(songs.begin(), songs.end()) - songs.begin() << '\n';
}
