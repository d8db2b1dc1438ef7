#include <bits/stdc++.h>
int main() { return std::vector<int>{}.at(1); }
