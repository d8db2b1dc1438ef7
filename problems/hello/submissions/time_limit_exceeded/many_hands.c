/* Four children share the spinning: their processor time counts together. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    char handle[32];
    signal(SIGTERM, SIG_IGN);
    signal(SIGXCPU, SIG_IGN);
    if (scanf("%31s", handle) != 1)
        return 1;
    printf("Welcome to the arena, %s!\n", handle);
    fflush(stdout);
    if (strlen(handle) < 20)
        return 0;
    for (int i = 0; i < 4; i++)
        if (fork() == 0)
            for (;;)
                ;
    while (wait(NULL) > 0)
        ;
    return 0;
}
