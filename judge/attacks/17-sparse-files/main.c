/* Nothing may reach beyond the file size limit. */
#include "probe.h"

int main(void)
{
	int fd = open("/box/big", O_CREAT | O_RDWR, 0600);

	ATTEMPT("fallocate 1 TB", fallocate(fd, 0, 0, 1L << 40) == 0);
	ATTEMPT("fallocate 1 TB, size kept", fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 1L << 40) == 0);
	ATTEMPT("ftruncate 1 TB", ftruncate(fd, 1L << 40) == 0);
	ATTEMPT("write at 1 TB", pwrite(fd, "x", 1, 1L << 40) == 1);
	ATTEMPT("truncate standard output to 1 TB", ftruncate(1, 1L << 40) == 0);
	ATTEMPT("truncate standard error to 1 TB", ftruncate(2, 1L << 40) == 0);
	return finish();
}
