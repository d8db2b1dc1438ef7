// Copies the whole way back for each step.
#include <bits/stdc++.h>
using namespace std;

int main()
{
    string back;
    for (int step; (step = getchar()) != EOF && step > ' ';)
        back.insert(back.begin(), step == 'N' ? 'S' : step == 'S' ? 'N' : step == 'E' ? 'W' : 'E');
    puts(back.c_str());
}
