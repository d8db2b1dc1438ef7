/* Uses all three turns although two would do. */
#include <stdio.h>

static long turn(long mark)
{
    long distance = -1;
    printf("? %ld\n", mark);
    fflush(stdout);
    if (scanf("%ld", &distance) != 1)
        return -1;
    return distance;
}

int main(void)
{
    int vaults;
    long marks;
    if (scanf("%d", &vaults) != 1)
        return 1;
    while (vaults-- > 0 && scanf("%ld", &marks) == 1) {
        long near = turn(0);
        long far = (marks - near) % marks;
        long answer = turn(near) == 0 ? near : far;
        if (turn(answer) != 0)
            return 1;
        printf("! %ld\n", answer);
        fflush(stdout);
    }
    return 0;
}
