#include <bits/stdc++.h>
using namespace std;

int main(int argc, char **argv)
{
    if (argc != 3)
        return 1;
    string wheel;
    ifstream("wheel.txt") >> wheel;
    int step = stoi(argv[2]) % 26;
    if (argv[1] == "decode"s)
        step = 26 - step;
    for (int c; (c = getchar()) != EOF;) {
        size_t place = wheel.find(char(c));
        putchar(place == string::npos ? c : wheel[(place + step) % 26]);
    }
}
