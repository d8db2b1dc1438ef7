/* A null pointer in the one case whose handle is longest. */
#include <stdio.h>
#include <string.h>

int main(void)
{
    char handle[32];
    char *volatile copy = NULL;
    if (scanf("%31s", handle) != 1)
        return 1;
    if (strlen(handle) < 20)
        copy = handle;
    printf("Welcome to the arena, %c%s!\n", copy[0], copy + 1);
    return 0;
}
