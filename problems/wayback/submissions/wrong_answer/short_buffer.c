/* Believes that nobody walks more than 65536 steps. */
#include <stdio.h>
#include <string.h>

int main(void)
{
    static char steps[65537];
    if (scanf("%65536s", steps) != 1)
        return 1;
    for (size_t i = strlen(steps); i-- > 0;)
        putchar(steps[i] == 'N' ? 'S' : steps[i] == 'S' ? 'N' : steps[i] == 'E' ? 'W' : 'E');
    putchar('\n');
    return 0;
}
