/* The engine must not interpret this; the command line must not print it raw. */
#include <stdio.h>

int main(void)
{
	fputs("\033[2J\033]0;owned\007\rACCEPTED\n<script>alert(1)</script>\n", stdout);
	fputs("\033[31mverdict: AC\033[0m\r\n", stderr);
	return 1;
}
