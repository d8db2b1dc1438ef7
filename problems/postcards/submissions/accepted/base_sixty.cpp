// Writes the number in base 60: the card's block of 60 says which digit it is.
#include <bits/stdc++.h>
using namespace std;

int main()
{
    string job;
    cin >> job;
    if (job == "send") {
        long long number;
        cin >> number;
        cout << 8 << '\n';
        for (int place = 0; place < 8; place++, number /= 60)
            cout << 1 + 60 * place + number % 60 << (place < 7 ? ' ' : '\n');
    } else {
        int count;
        cin >> count;
        vector<int> cards(count);
        for (int &card : cards)
            cin >> card;
        ranges::sort(cards, greater{});
        long long number = 0;
        for (int card : cards)
            number = number * 60 + (card - 1) % 60;
        cout << number << '\n';
    }
}
