/* Headers as they are on the wire (all fields of several bytes in network byte order), and ways to them. */
#pragma once
#include "kernel.h"

#define ETHERTYPE_IPV4 htons(0x0800)
#define ETHERTYPE_ARP htons(0x0806)
#define UDP 17
#define VXLAN_PORT htons(4789)    /* RFC 7348 */
#define VXLAN_FLAGS htonl(0x08000000) /* only I: the VNI is valid */
#define FRAGMENT htons(0x3fff)    /* more fragments, or an offset */
#define ECN 3
#define ECN_CE 3
#define TTL 64

struct ethernet {
	__u8 destination[6], source[6];
	__be16 type;
} __attribute__((packed));

struct ipv4 { /* RFC 791 */
	__u8 version_length, tos;
	__be16 length, id, fragment;
	__u8 ttl, protocol;
	__be16 checksum;
	__be32 source, destination;
} __attribute__((packed));

struct udp {
	__be16 source, destination, length, checksum;
} __attribute__((packed));

struct vxlan { /* RFC 7348, section 5 */
	__be32 flags, vni; /* the VNI in the upper 24 bits */
} __attribute__((packed));

struct arp { /* RFC 826, for Ethernet and IPv4 */
	__be16 hardware, protocol;
	__u8 hardware_length, protocol_length;
	__be16 operation;
	__u8 sender_mac[6];
	__be32 sender;
	__u8 target_mac[6];
	__be32 target;
} __attribute__((packed));
#define ARP_REQUEST htons(1)
#define ARP_REPLY htons(2)

struct ipv4_frame {
	struct ethernet ethernet;
	struct ipv4 ip;
} __attribute__((packed));

struct arp_frame {
	struct ethernet ethernet;
	struct arp arp;
} __attribute__((packed));

struct tunnel_header { /* everything before the inner packet */
	struct ethernet ethernet;
	struct ipv4 ip;
	struct udp udp;
	struct vxlan vxlan;
	struct ethernet inner;
} __attribute__((packed));
#define ADDED 50 /* bytes that encapsulation adds: a tunnel_header without one Ethernet header */

/* The first `size` bytes of the packet, in one piece and writable; 0 if it is shorter. Pointers from earlier
 * calls are invalid afterwards. */
INLINE void *linear(struct __sk_buff *skb, __u32 size)
{
	if ((void *)(long)skb->data + size > (void *)(long)skb->data_end && bpf_skb_pull_data(skb, size))
		return 0;
	void *data = (void *)(long)skb->data;
	return data + size > (void *)(long)skb->data_end ? 0 : data;
}

/* A 32-bit sum of 16-bit words as a checksum of IPv4, before its complement (RFC 1071). */
INLINE __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* The checksum after a 16-bit word of the header changed (RFC 1624, equation 3). */
INLINE void update_checksum(struct ipv4 *ip, __be16 before, __be16 after)
{
	ip->checksum = ~fold((__u16)~ip->checksum + (__u16)~before + (__u32)after);
}

INLINE int is_same_mac(const __u8 *one, const __u8 *other)
{
	__u8 difference = 0;
	for (int at = 0; at < 6; at++)
		difference |= one[at] ^ other[at];
	return !difference;
}
