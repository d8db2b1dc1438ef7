/* getpid and socketcall through int 0x80; getpid with the x32 bit. x86-64 only. */
#include "probe.h"

#ifdef __x86_64__
static long old_door(long number, long first, long second)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(first), "c"(second)
			 : "memory", "r8", "r9", "r10", "r11");
	return result;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "int80")) {
		if (old_door(20, 0, 0) > 0)
			leak("getpid by int 0x80");
		return finish();
	}
	if (syscall(0x40000000 | SYS_getpid) > 0)
		leak("getpid with the x32 bit");
	return finish();
}
#else
int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "int80"))
		raise(SIGSYS);
	(void)argv;
	return finish();
}
#endif
