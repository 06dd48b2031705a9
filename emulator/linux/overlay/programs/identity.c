/* Processes of a control group have one port's address: one stack serves all ports of a compute host, and
 * without this a process there could be any of them. A group without an entry isn't concerned. */
#include "packet.h"

extern struct map em_identities; /* id of a control group (__u64) -> IPv4 address (__be32) */

#define AF_INET 2
#define AF_INET6 10
#define REFUSE 0 /* EPERM */
#define ALLOW 1
#define MAPPED htonl(0xffff) /* ::ffff:a.b.c.d, third word (RFC 4291, section 2.5.5.2) */
#define ONE htonl(1)

struct ipv4_socket { /* sockaddr_in, sockaddr_in6 */
	__u16 family;
	__be16 port;
	__be32 address;
	__u8 zero[8];
};

struct ipv6_socket {
	__u16 family;
	__be16 port;
	__be32 flow, address[4];
	__u32 scope;
};

static __u64 (*const bpf_get_current_cgroup_id)(void) = (void *)BPF_FUNC_get_current_cgroup_id;
static long (*const bpf_bind)(struct bpf_sock_addr *, void *, int) = (void *)BPF_FUNC_bind;

/* The address of the current process; 0 if it has no identity. */
INLINE __be32 own_address(void)
{
	__u64 group = bpf_get_current_cgroup_id();
	__be32 *address = bpf_map_lookup_elem(&em_identities, &group);
	return address ? *address : 0;
}

INLINE int is_loopback(__be32 address)
{
	return (address & htonl(0xff000000)) == htonl(0x7f000000);
}

PROGRAM int bind4(struct bpf_sock_addr *socket)
{
	__be32 own = own_address(), wanted = socket->user_ip4;
	if (own && !wanted)
		socket->user_ip4 = own;
	return !own || !wanted || wanted == own || is_loopback(wanted) ? ALLOW : REFUSE;
}

/* A socket that is bound already has the right address, by bind4: bpf_bind refuses then, and nothing changes. */
PROGRAM int connect4(struct bpf_sock_addr *socket)
{
	struct ipv4_socket source = {.family = AF_INET, .address = own_address()};
	if (source.address && !is_loopback(socket->user_ip4))
		bpf_bind(socket, &source, sizeof source);
	return ALLOW;
}

/* UDP without connect: also a source given by IP_PKTINFO. */
PROGRAM int sendmsg4(struct bpf_sock_addr *socket)
{
	__be32 own = own_address(), source = socket->msg_src_ip4;
	if (!own || source == own || is_loopback(source))
		return ALLOW;
	if (source)
		return REFUSE;
	if (!is_loopback(socket->user_ip4))
		socket->msg_src_ip4 = own;
	return ALLOW;
}

/* Servers of both protocols bind `::`, and get the address in its IPv6 form. Ports have no IPv6 address yet. */
PROGRAM int bind6(struct bpf_sock_addr *socket)
{
	__be32 own = own_address();
	__be32 high = socket->user_ip6[0] | socket->user_ip6[1], mapped = socket->user_ip6[2], low = socket->user_ip6[3];
	if (!own || (!high && !mapped && low == ONE))
		return ALLOW;
	if (!high && !mapped && !low) {
		socket->user_ip6[2] = MAPPED;
		socket->user_ip6[3] = own;
		return ALLOW;
	}
	return !high && mapped == MAPPED && (low == own || is_loopback(low)) ? ALLOW : REFUSE;
}

PROGRAM int connect6(struct bpf_sock_addr *socket)
{
	struct ipv6_socket source = {.family = AF_INET6, .address = {0, 0, MAPPED, own_address()}};
	if (!source.address[3] || socket->user_ip6[0] | socket->user_ip6[1] || socket->user_ip6[2] != MAPPED)
		return ALLOW;
	if (!is_loopback(socket->user_ip6[3]))
		bpf_bind(socket, &source, sizeof source);
	return ALLOW;
}
