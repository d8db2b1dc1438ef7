/* Opens the first vault and goes home as if nothing were left to do. */
#include <stdio.h>

int main(void)
{
    long marks, distance, check;
    if (scanf("%*d %ld", &marks) != 1)
        return 0;
    puts("? 0");
    fflush(stdout);
    if (scanf("%ld", &distance) != 1)
        return 0;
    printf("? %ld\n", distance);
    fflush(stdout);
    if (scanf("%ld", &check) != 1)
        return 0;
    printf("! %ld\n", check == 0 ? distance : marks - distance);
    return 0;
}
