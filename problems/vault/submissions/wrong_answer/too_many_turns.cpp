// Tries every mark in turn until the distance is zero.
#include <bits/stdc++.h>
using namespace std;

int main()
{
    int vaults;
    cin >> vaults;
    while (vaults--) {
        long long marks, mark = -1, distance = 1;
        cin >> marks;
        while (cin && distance != 0) {
            cout << "? " << ++mark << endl;
            cin >> distance;
        }
        if (!cin)
            return 0;
        cout << "! " << mark << endl;
    }
}
