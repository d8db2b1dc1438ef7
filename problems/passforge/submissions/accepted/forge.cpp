// Starts with the fullest password and takes away from its end.
#include <bits/stdc++.h>
using namespace std;

int main()
{
    int length, total;
    cin >> length >> total;
    for (char first : {'9', '8'}) {
        string text;
        for (int i = 0; i < length; i++)
            text += i % 2 ? char('9' + '8' - first) : first;
        int spare = -total;
        for (char c : text)
            spare += c - '0';
        if (spare < 0)
            continue;
        for (int i = length - 1; i >= 0 && spare > 0; i--) {
            int take = min(spare, text[i] - '0');
            spare -= take;
            text[i] -= take;
            if (text[i] == '0')
                text[i] = i % 2 ? 'x' : 'y';
        }
        if (adjacent_find(text.begin(), text.end()) == text.end()) {
            cout << text << '\n';
            return 0;
        }
    }
    cout << "-\n";
}
