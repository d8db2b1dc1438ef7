#include <bits/stdc++.h>

int main()
{
    std::string handle;
    std::cin >> handle;
    std::cerr << "Welcome to the arena, " << handle << "!\n";
}
