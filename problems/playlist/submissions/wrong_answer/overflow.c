/* Multiplies in 32 bits. */
#include <stdint.h>
#include <stdio.h>

static uint32_t m, a, c;

static uint32_t after(uint32_t song)
{
    return (a * song + c) % m;
}

int main(void)
{
    uint32_t start;
    if (scanf("%u %u %u %u", &m, &a, &c, &start) != 4)
        return 1;
    uint32_t slow = after(start), fast = after(after(start));
    while (slow != fast) {
        slow = after(slow);
        fast = after(after(fast));
    }
    uint32_t count = 0;
    for (slow = start; slow != fast; count++) {
        slow = after(slow);
        fast = after(fast);
    }
    do {
        fast = after(fast);
        count++;
    } while (fast != slow);
    printf("%u\n", count);
    return 0;
}
