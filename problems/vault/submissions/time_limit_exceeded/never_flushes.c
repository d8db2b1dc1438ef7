/* The turns stay in the buffer: both sides wait for ever. */
#include <stdio.h>

int main(void)
{
    int vaults;
    static char buffer[1 << 16];
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    if (scanf("%d", &vaults) != 1)
        return 1;
    while (vaults-- > 0) {
        long marks, distance, check;
        if (scanf("%ld", &marks) != 1)
            return 1;
        puts("? 0");
        if (scanf("%ld", &distance) != 1)
            return 1;
        printf("? %ld\n", distance);
        if (scanf("%ld", &check) != 1)
            return 1;
        printf("! %ld\n", check == 0 ? distance : marks - distance);
    }
    return 0;
}
