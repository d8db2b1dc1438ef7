#include <stdint.h>
#include <stdio.h>

static uint64_t m, a, c;

static uint64_t after(uint64_t song)
{
    return (a * song + c) % m;
}

int main(void)
{
    uint64_t start;
    if (scanf("%lu %lu %lu %lu", &m, &a, &c, &start) != 4)
        return 1;
    uint64_t slow = after(start), fast = after(after(start));
    while (slow != fast) {
        slow = after(slow);
        fast = after(after(fast));
    }
    uint64_t count = 0;
    for (slow = start; slow != fast; count++) {
        slow = after(slow);
        fast = after(fast);
    }
    do {
        fast = after(fast);
        count++;
    } while (fast != slow);
    printf("%lu\n", count);
    return 0;
}
