/* Connect anywhere. Nothing may answer, and nothing may hang. */
#include "probe.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

static int reach(int type, const char *address, int port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);
	fd_set set;
	struct timeval span = {1, 0};
	int error = 1;
	socklen_t size = sizeof error;

	if (fd < 0)
		return 0;
	inet_pton(AF_INET, address, &to.sin_addr);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
		return 1;
	if (errno != EINPROGRESS)
		return 0;
	FD_ZERO(&set);
	FD_SET(fd, &set);
	if (select(fd + 1, NULL, &set, NULL, &span) != 1)
		return 0;
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	return error == 0;
}

static int datagram(const char *address)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(53)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	inet_pton(AF_INET, address, &to.sin_addr);
	return fd >= 0 && sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof to) == 1;
}

static int v6(void)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(53)};
	int fd = socket(AF_INET6, SOCK_DGRAM, 0);

	inet_pton(AF_INET6, "2001:4860:4860::8888", &to.sin6_addr);
	return fd >= 0 && sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof to) == 1;
}

static int unix_path(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
	return fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
}

int main(void)
{
	ATTEMPT("TCP 1.1.1.1:80", reach(SOCK_STREAM, "1.1.1.1", 80));
	ATTEMPT("TCP metadata", reach(SOCK_STREAM, "169.254.169.254", 80));
	ATTEMPT("TCP bridge gateway", reach(SOCK_STREAM, "172.17.0.1", 2375));
	ATTEMPT("TCP localhost postgres", reach(SOCK_STREAM, "127.0.0.1", 5432));
	ATTEMPT("TCP localhost redis", reach(SOCK_STREAM, "127.0.0.1", 6379));
	ATTEMPT("UDP 8.8.8.8", datagram("8.8.8.8"));
	ATTEMPT("UDP over IPv6", v6());
	ATTEMPT("raw socket", socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0);
	ATTEMPT("ping socket", socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP) >= 0 && datagram("8.8.8.8"));
	ATTEMPT("packet socket", socket(AF_PACKET, SOCK_RAW, 0) >= 0);
	ATTEMPT("docker.sock", unix_path("/var/run/docker.sock"));
	ATTEMPT("run/docker.sock", unix_path("/run/docker.sock"));
	ATTEMPT("containerd.sock", unix_path("/run/containerd/containerd.sock"));
	ATTEMPT("system bus", unix_path("/run/dbus/system_bus_socket"));
	ATTEMPT("postgres socket", unix_path("/var/run/postgresql/.s.PGSQL.5432"));
	return finish();
}
