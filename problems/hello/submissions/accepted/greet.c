#include <stdio.h>

int main(void)
{
    char handle[32];
    if (scanf("%31s", handle) != 1)
        return 1;
    printf("Welcome to the arena, %s!\n", handle);
    return 0;
}
