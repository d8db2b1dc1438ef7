#include <bits/stdc++.h>
int main() { return undeclared; }
