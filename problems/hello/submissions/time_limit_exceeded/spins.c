/* Right but for the longest handle, where it never comes back. */
#include <stdio.h>
#include <string.h>

int main(void)
{
    char handle[32];
    volatile unsigned long rounds = 0;
    if (scanf("%31s", handle) != 1)
        return 1;
    printf("Welcome to the arena, %s!\n", handle);
    while (strlen(handle) == 20)
        rounds++;
    return 0;
}
