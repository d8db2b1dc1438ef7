/* Opens all vaults, then spins instead of ending (unless the row was short). */
#include <stdio.h>

int main(void)
{
    int vaults, count;
    volatile unsigned long rounds = 0;
    if (scanf("%d", &vaults) != 1)
        return 1;
    for (count = 0; count < vaults; count++) {
        long marks, distance, check;
        if (scanf("%ld", &marks) != 1)
            return 1;
        puts("? 0");
        fflush(stdout);
        if (scanf("%ld", &distance) != 1)
            return 1;
        printf("? %ld\n", distance);
        fflush(stdout);
        if (scanf("%ld", &check) != 1)
            return 1;
        printf("! %ld\n", check == 0 ? distance : marks - distance);
        fflush(stdout);
    }
    while (vaults > 100)
        rounds++;
    return 0;
}
