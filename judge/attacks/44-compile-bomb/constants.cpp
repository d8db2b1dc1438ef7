// Endless work at compile time: an exponential chain of distinct template instances.
template <long A, long B> struct Twice {
    static constexpr long value = Twice<A - 1, 2 * B>::value + Twice<A - 1, 2 * B + 1>::value;
};
template <long B> struct Twice<0, B> {
    static constexpr long value = B;
};
int main() { return static_cast<int>(Twice<40, 0>::value) + missing; }
