/* The daemon keeps standard output open; the verdict must not wait for it. */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    char handle[32];
    if (scanf("%31s", handle) != 1)
        return 1;
    printf("Welcome to the arena, %s!\n", handle);
    fflush(stdout);
    if (fork() == 0) {
        setsid();
        if (fork() == 0)
            for (;;)
                pause();
    }
    return 0;
}
