#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    int live, garbage, kept = 0;
    if (scanf("%d %d", &live, &garbage) != 2)
        return 1;
    for (int i = 0; i < live; i++) {
        char *block = malloc(1 << 20);
        memset(block, i, 1 << 20);
        kept += block[i] == (char)i;
    }
    for (int i = 0; i < garbage; i++) {
        char *block = malloc(1 << 20);
        memset(block, i, 1 << 20);
        kept += block[i % 1000] != (char)i;
        free(block);
    }
    printf("%d\n", kept);
}
