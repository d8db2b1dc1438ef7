#include <bits/stdc++.h>
using namespace std;

int main()
{
    string handle;
    cin >> handle;
    cout << "Welcome to the arena, " << handle << "!\n";
}
