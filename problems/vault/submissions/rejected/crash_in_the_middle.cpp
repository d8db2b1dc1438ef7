// Dies between two turns; the validator may notice the silence before anyone notices the crash.
#include <bits/stdc++.h>
using namespace std;

int main()
{
    int vaults;
    cin >> vaults;
    cout << "? 0" << endl;
    abort();
}
