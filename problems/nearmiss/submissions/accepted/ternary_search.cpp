#include <bits/stdc++.h>
using namespace std;

int main()
{
    double duration, one[4], two[4];
    cin >> duration;
    for (double &number : one)
        cin >> number;
    for (double &number : two)
        cin >> number;
    auto distance = [&](long double t) {
        long double x = (long double)two[0] - one[0] + t * ((long double)two[2] - one[2]);
        long double y = (long double)two[1] - one[1] + t * ((long double)two[3] - one[3]);
        return x * x + y * y;
    };
    long double low = 0, high = duration;
    for (int i = 0; i < 300; i++) {
        long double a = (2 * low + high) / 3, b = (low + 2 * high) / 3;
        (distance(a) < distance(b) ? high : low) = distance(a) < distance(b) ? b : a;
    }
    cout << fixed << setprecision(10) << (double)sqrtl(distance(low)) << '\n';
}
