/* A tenant's packet becomes a VXLAN packet of the underlay. */
#pragma once
#include "maps.h"

/* How software that segments a large packet finds the inner one. Only large packets get these flags: they
 * stay on the packet after it was unpacked, and it couldn't be packed again. */
#define LARGE                                                                                                \
	(BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | BPF_F_ADJ_ROOM_ENCAP_L4_UDP |                  \
	 BPF_F_ADJ_ROOM_ENCAP_L2(sizeof(struct ethernet)) | BPF_F_ADJ_ROOM_ENCAP_L2_ETH)
#define FIRST_SOURCE_PORT 32768 /* Linux's own range for tunnels: ip_local_port_range */
#define SOURCE_PORTS 28232

/* The MAC of the next hop towards a vtep; 0 if it isn't known. */
INLINE const __u8 *next_hop(const struct device *device, __be32 vtep)
{
	if ((vtep ^ device->vtep) & device->netmask)
		return device->gateway;
	struct peer *peer = bpf_map_lookup_elem(&em_peers, &vtep);
	return peer ? peer->mac : 0;
}

INLINE void write_outer(struct ipv4 *ip, struct udp *udp, __be32 source, __be32 destination, __u8 tos, __u32 length, __u32 hash)
{
	ip->version_length = 0x45;
	ip->tos = tos & ECN;
	ip->length = htons(length);
	ip->id = bpf_get_prandom_u32();
	ip->fragment = 0;
	ip->ttl = TTL;
	ip->protocol = UDP;
	ip->source = source;
	ip->destination = destination;
	__u32 sum = htons(0x4500 | ip->tos) + ip->length + ip->id + htons(TTL << 8 | UDP);
	sum += (source & 0xffff) + (source >> 16) + (destination & 0xffff) + (destination >> 16);
	ip->checksum = ~fold(sum);
	hash ^= hash << 16;
	udp->source = htons(FIRST_SOURCE_PORT + (((__u64)hash * SOURCE_PORTS) >> 32));
	udp->destination = VXLAN_PORT;
	udp->length = htons(length - sizeof *ip);
	udp->checksum = 0; /* RFC 7348: may be zero over IPv4 */
}

/* Pack the frame, whose Ethernet header will be that between two ports; 0 if it worked. */
INLINE int encapsulate(struct __sk_buff *skb, const struct device *device, __be32 vtep, __u8 tos,
		       const struct port *source, const struct port *destination)
{
	const __u8 *mac = next_hop(device, vtep);
	__u32 length = skb->len + ADDED - sizeof(struct ethernet);
	if (!mac || length > 0xffff)
		return -1;
	__u32 hash = bpf_get_hash_recalc(skb); /* of the inner flow, so before anything is in front of it */
	if (bpf_skb_adjust_room(skb, ADDED, BPF_ADJ_ROOM_MAC, skb->gso_size ? LARGE : 0))
		return -1;
	struct tunnel_header *header = linear(skb, sizeof *header);
	if (!header)
		return -1;
	memcpy(header->ethernet.destination, mac, 6);
	memcpy(header->ethernet.source, device->mac, 6);
	header->ethernet.type = ETHERTYPE_IPV4;
	write_outer(&header->ip, &header->udp, device->vtep, vtep, tos, length, hash);
	header->vxlan.flags = VXLAN_FLAGS;
	header->vxlan.vni = htonl(source->vni << 8);
	memcpy(header->inner.destination, destination->mac, 6);
	memcpy(header->inner.source, source->mac, 6);
	header->inner.type = ETHERTYPE_IPV4;
	return 0;
}
