#include <bits/stdc++.h>
using namespace std;

int main()
{
    int vaults;
    cin >> vaults;
    while (vaults--) {
        long long marks, distance, check;
        cin >> marks;
        cout << "? 0" << endl;
        cin >> distance;
        cout << "? " << distance << endl;
        cin >> check;
        cout << "! " << (check == 0 ? distance : marks - distance) << endl;
    }
}
