/* Two lanterns on the first two free tiles that are neighbours. */
#include <stdio.h>

int main(void)
{
    int n, lit = 0;
    static char row[64];
    if (scanf("%d", &n) != 1)
        return 1;
    while (n-- > 0 && scanf("%63s", row) == 1) {
        for (int i = 0; row[i] && row[i + 1] && !lit; i++)
            if (row[i] == '.' && row[i + 1] == '.') {
                row[i] = row[i + 1] = '*';
                lit = 1;
            }
        puts(row);
    }
    return 0;
}
