/* An opponent with something to hide, working for a second under a name worth looking for. */
#include "probe.h"
#include <sys/prctl.h>

int main(void)
{
	int fd = open("/tmp/opponent", O_CREAT | O_WRONLY, 0666);

	prctl(PR_SET_NAME, "opponent");
	write(fd, "ANSWER=42", 9);
	close(open("/dev/shm/opponent", O_CREAT | O_WRONLY, 0666));
	spin_ms(1000);
	puts("undisturbed");
	return 0;
}
