// Plays the row of vaults against the team: team output on stdin, team input on stdout.
#include <bits/stdc++.h>
#include <csignal>
using namespace std;

static const int TURNS_MAX = 3;
static ofstream judge_message;
static int vault;

[[noreturn]] static void reject(const string &why)
{
    judge_message << "vault " << vault << ": " << why << endl;
    _Exit(43);
}

static long long read_mark(long long marks)
{
    string word;
    if (!(cin >> word))
        reject("no more output where a mark was due");
    bool digits = !word.empty() && word.size() <= 10 && ranges::all_of(word, [](char c) {
        return '0' <= c && c <= '9';
    });
    if (!digits || stoll(word) >= marks)
        reject("not a mark: " + word.substr(0, 40));
    return stoll(word);
}

static void play(long long marks, long long secret)
{
    cout << marks << endl;
    for (int turns = 0;;) {
        string action;
        if (!(cin >> action))
            reject("no more output where ? or ! was due");
        if (action == "!") {
            if (read_mark(marks) != secret)
                reject("not the secret mark");
            return;
        }
        if (action != "?")
            reject("neither ? nor !: " + action.substr(0, 40));
        long long gap = llabs(read_mark(marks) - secret);
        if (++turns > TURNS_MAX)
            reject("too many turns");
        cout << min(gap, marks - gap) << endl;
    }
}

int main(int argc, char **argv)
{
    if (argc < 4)
        return 1;
    // A team that is gone must not take us with it.
    signal(SIGPIPE, SIG_IGN);
    ifstream input(argv[1]);
    judge_message.open(string(argv[3]) + "judgemessage.txt", ios::app);
    int count;
    if (!(input >> count))
        return 1;
    cout << count << endl;
    for (vault = 1; vault <= count; vault++) {
        long long marks, secret;
        if (!(input >> marks >> secret))
            return 1;
        play(marks, secret);
    }
    string rest;
    if (cin >> rest)
        reject("output after the last vault: " + rest.substr(0, 40));
    judge_message << "all vaults are open" << endl;
    return 42;
}
