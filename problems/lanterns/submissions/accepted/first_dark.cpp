// Puts a lantern on each tile that is still dark, row by row, while there are any.
#include <bits/stdc++.h>
using namespace std;

int main()
{
    int n;
    cin >> n;
    vector<string> court(n);
    for (string &row : court)
        cin >> row;
    vector<vector<bool>> lit(n, vector<bool>(n));
    int store = n;
    for (int r = 0; r < n; r++)
        for (int c = 0; c < n; c++) {
            if (court[r][c] != '.' || lit[r][c] || store == 0)
                continue;
            court[r][c] = '*';
            store--;
            for (auto [down, right] : {pair{0, 1}, pair{1, 0}, pair{0, -1}, pair{-1, 0}})
                for (int y = r, x = c; y >= 0 && x >= 0 && y < n && x < n && court[y][x] != '#';
                     y += down, x += right)
                    lit[y][x] = true;
        }
    for (const string &row : court)
        cout << row << '\n';
}
