// Counts lit tiles into score.txt; rejects jealous lanterns and courts that were rebuilt.
#include <bits/stdc++.h>
using namespace std;

static ofstream judge_message;

[[noreturn]] static void reject(const string &why)
{
    judge_message << why << '\n';
    judge_message.flush();
    exit(43);
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 1;
    string feedback = argv[3];
    judge_message.open(feedback + "judgemessage.txt", ios::app);
    ifstream input(argv[1]);
    size_t n;
    input >> n;
    vector<string> court(n), team(n);
    for (string &row : court)
        if (!(input >> row))
            return 1;
    for (size_t r = 0; r < n; r++) {
        if (!(cin >> team[r]) || team[r].size() != n)
            reject("row " + to_string(r + 1) + " is missing or has the wrong length");
        for (size_t c = 0; c < n; c++) {
            bool lantern = team[r][c] == '*' && court[r][c] == '.';
            if (team[r][c] != court[r][c] && !lantern)
                reject("row " + to_string(r + 1) + " is not the court's");
        }
    }
    size_t lanterns = 0;
    for (const string &row : team)
        lanterns += ranges::count(row, '*');
    if (lanterns > n)
        reject(to_string(lanterns) + " lanterns, but only " + to_string(n) + " are in the store");
    string rest;
    if (cin >> rest)
        reject("there is more output after the court");

    vector<string> lit(n, string(n, '.'));
    const int steps[4][2] = {{0, 1}, {1, 0}, {0, -1}, {-1, 0}};
    for (size_t r = 0; r < n; r++)
        for (size_t c = 0; c < n; c++) {
            if (team[r][c] != '*')
                continue;
            lit[r][c] = '+';
            // Off the court, the unsigned indices wrap to something larger than n.
            for (auto [down, right] : steps)
                for (size_t y = r + down, x = c + right; y < n && x < n && court[y][x] != '#';
                     y += down, x += right) {
                    if (team[y][x] == '*')
                        reject("a lantern stands in the light of another");
                    lit[y][x] = '+';
                }
        }
    size_t score = 0;
    for (const string &row : lit)
        score += ranges::count(row, '+');
    ofstream(feedback + "score.txt") << score << '\n';
    ofstream(feedback + "teammessage.txt") << score << " tiles are lit.\n";
    judge_message << score << " tiles are lit\n";
    judge_message.flush();
    return 42;
}
