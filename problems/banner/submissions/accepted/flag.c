#include <stdio.h>

int main(void)
{
    int height;
    char letter;
    if (scanf("%d %c", &height, &letter) != 2)
        return 1;
    int last = height - 1;
    for (int row = 0; row < height; row++) {
        for (int column = 0; column < height; column++) {
            int edge_row = row == 0 || row == last;
            int edge_column = column == 0 || column == last;
            char shown = ' ';
            if (edge_row && edge_column)
                shown = '+';
            else if (edge_row)
                shown = '-';
            else if (edge_column)
                shown = '|';
            else if (row == column || row + column == last)
                shown = letter;
            putchar(shown);
        }
        putchar('\n');
    }
    return 0;
}
