// Checks a seating against the rivalries; the answer file holds IMPOSSIBLE or one seating.
#include <bits/stdc++.h>
using namespace std;

static ofstream judge_message;

[[noreturn]] static void reject(const string &why)
{
    judge_message << why << '\n';
    exit(43);
}

// Our own data is at fault, not the team: neither 42 nor 43, hence a judge error.
[[noreturn]] static void judge_error(const string &why)
{
    judge_message << why << '\n';
    exit(1);
}

static string read_seating(istream &in, size_t players, const char *whose)
{
    string text;
    if (!(in >> text))
        reject(string(whose) + " is empty");
    if (text == "IMPOSSIBLE")
        return text;
    if (text.size() != players)
        reject(string(whose) + " has " + to_string(text.size()) + " letters, not "
               + to_string(players));
    for (size_t i = 0; i < players; i++)
        if (text[i] != 'A' && text[i] != 'B')
            reject(string(whose) + " has neither A nor B at position " + to_string(i + 1));
    return text;
}

static optional<pair<int, int>> clash(const vector<pair<int, int>> &rivals, const string &seating)
{
    for (auto [a, b] : rivals)
        if (seating[a - 1] == seating[b - 1])
            return pair{a, b};
    return nullopt;
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 1;
    ifstream input(argv[1]), answer(argv[2]);
    judge_message.open(string(argv[3]) + "judgemessage.txt", ios::app);

    size_t players, count;
    input >> players >> count;
    vector<pair<int, int>> rivals(count);
    for (auto &[a, b] : rivals)
        input >> a >> b;
    if (!input)
        judge_error("the input file is broken");

    string team = read_seating(cin, players, "the output");
    string rest;
    if (cin >> rest)
        reject("there is more output after the first word");
    string judge;
    answer >> judge;

    if (team == "IMPOSSIBLE") {
        if (judge != "IMPOSSIBLE")
            reject("a seating exists, the team says IMPOSSIBLE");
        return 42;
    }
    if (auto pair = clash(rivals, team))
        reject("rivals " + to_string(pair->first) + " and " + to_string(pair->second)
               + " share a table");
    if (judge == "IMPOSSIBLE")
        judge_error("the team found a seating, the answer file says IMPOSSIBLE");
    return 42;
}
