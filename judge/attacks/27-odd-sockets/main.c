/* Every family but AF_UNIX and the Internet ones must be refused, whatever the type. */
#include "probe.h"

int main(void)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET};
	char what[64];
	unsigned type;
	int family, ends[2];

	for (family = 0; family < 64; family++)
		for (type = 0; type < 4; type++) {
			if (family == AF_UNIX || family == AF_INET || family == AF_INET6)
				continue;
			if (socket(family, types[type], 0) >= 0) {
				snprintf(what, sizeof what, "socket family %d", family);
				leak(what);
			}
			if (socketpair(family, types[type], 0, ends) == 0)
				leak("socketpair of an odd family");
		}
	/* The family is an int: the upper half of the register must not hide it from a filter. */
	ATTEMPT("AF_ALG with high bits",
		syscall(SYS_socket, 0x100000000L | AF_ALG, SOCK_SEQPACKET, 0) >= 0);
	ATTEMPT("AF_VSOCK with high bits",
		syscall(SYS_socket, 0x7fffffff00000000L | 40, SOCK_STREAM, 0) >= 0);
	ATTEMPT("AF_NETLINK with high bits",
		syscall(SYS_socket, 0x100000000L | AF_NETLINK, SOCK_RAW, 0) >= 0);
	ATTEMPT("CLOEXEC vsock", socket(40, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) >= 0);
	return finish();
}
