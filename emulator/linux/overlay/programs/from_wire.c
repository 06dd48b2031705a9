/* Way in of an uplink: VXLAN packets for ports of this host are unpacked, tenants' packets without it dropped. */
#include "forward.h"

/* A port with the inner address, in the address space of the packet's VPC. */
INLINE struct found find_inner(const struct tunnel_header *header, __be32 address)
{
	struct found found = {0, 0};
	__u32 vni = ntohl(header->vxlan.vni) >> 8;
	__u32 *space = bpf_map_lookup_elem(&em_vnis, &vni);
	return space ? find_port(*space, address) : found;
}

/* Whether it may receive: it is up, in this VPC, and lives on this host or did until now. Then `device` is the
 * one that it is behind. */
INLINE int may_receive(const struct found *found, const struct tunnel_header *header, __be32 vtep, __u32 *device)
{
	__u64 place = READ_ONCE(found->port->place);
	if (vtep_of(place) != vtep)
		place = former_place(found->slot);
	else if (is_astray(found->port))
		return 0;
	*device = device_of(place);
	return vtep_of(place) == vtep && found->port->vni == ntohl(header->vxlan.vni) >> 8 && is_up(found->port);
}

/* Answer an ARP request of a plain VXLAN device, on the way it came. */
INLINE int answer_arp(struct __sk_buff *skb, __be32 vtep)
{
	struct {
		struct tunnel_header header;
		struct arp arp;
	} __attribute__((packed)) *frame = linear(skb, sizeof *frame);
	__u32 device;
	if (!frame || frame->arp.operation != ARP_REQUEST)
		return TC_ACT_SHOT;
	struct found found = find_inner(&frame->header, frame->arp.target);
	if (!found.port || !may_receive(&found, &frame->header, vtep, &device))
		return TC_ACT_SHOT; /* requests are flooded, so it is no port's loss */
	answer(&frame->header.inner, &frame->arp, found.port);
	__u8 mac[6];
	memcpy(mac, frame->header.ethernet.destination, 6);
	memcpy(frame->header.ethernet.destination, frame->header.ethernet.source, 6);
	memcpy(frame->header.ethernet.source, mac, 6);
	frame->header.ip.destination = frame->header.ip.source;
	frame->header.ip.source = vtep;
	frame->header.udp.checksum = 0;
	return bpf_redirect(skb->ifindex, 0);
}

/* Carry congestion marks of the underlay on into the inner packet (RFC 6040, figure 4); 0 to drop it. */
INLINE int merge_ecn(struct ipv4 *inner, __u8 outer)
{
	if ((outer & ECN) != ECN_CE || (inner->tos & ECN) == ECN_CE)
		return 1;
	if (!(inner->tos & ECN))
		return 0;
	__be16 before = htons(inner->version_length << 8 | inner->tos);
	inner->tos |= ECN_CE;
	update_checksum(inner, before, htons(inner->version_length << 8 | inner->tos));
	return 1;
}

INLINE int unpack(struct __sk_buff *skb, __be32 vtep)
{
	struct {
		struct tunnel_header header;
		struct ipv4 ip;
	} __attribute__((packed)) *frame = linear(skb, sizeof *frame);
	__u32 device;
	if (!frame || !(frame->header.vxlan.flags & VXLAN_FLAGS))
		return TC_ACT_SHOT;
	if (frame->header.inner.type == ETHERTYPE_ARP)
		return answer_arp(skb, vtep);
	if (frame->header.inner.type != ETHERTYPE_IPV4)
		return TC_ACT_SHOT;
	struct found found = find_inner(&frame->header, frame->ip.destination);
	if (!found.port)
		return TC_ACT_SHOT;
	struct ethernet inner = frame->header.inner;
	if (!may_receive(&found, &frame->header, vtep, &device) || !is_same_mac(inner.destination, found.port->mac) ||
	    !merge_ecn(&frame->ip, frame->header.ip.tos))
		return drop(found.port);
	if (bpf_skb_adjust_room(skb, -ADDED, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO))
		return drop(found.port);
	struct ethernet *ethernet = linear(skb, sizeof *ethernet);
	if (!ethernet)
		return drop(found.port);
	*ethernet = inner;
	count(&found.port->rx_packets, &found.port->rx_bytes, skb->len - sizeof *ethernet);
	bpf_skb_change_type(skb, PACKET_HOST); /* it came with the MAC of the uplink, and now has the port's */
	return device == skb->ifindex ? TC_ACT_OK : bpf_redirect_peer(device, 0);
}

/* Take in a packet that a port of this host sent to another one: see deliver_here. */
INLINE int take_back(struct __sk_buff *skb, const struct device *device)
{
	int is_for_device = skb->mark == MARK_DEVICE;
	skb->mark = 0;
	bpf_skb_change_type(skb, PACKET_HOST);
	if (!is_for_device)
		return TC_ACT_OK;
	struct ipv4_frame *frame = linear(skb, sizeof *frame);
	if (!frame)
		return TC_ACT_SHOT;
	struct found found = find_port(device->space, frame->ip.destination);
	if (!found.port)
		return TC_ACT_SHOT;
	__u64 place = READ_ONCE(found.port->place);
	if (vtep_of(place) != device->vtep)
		return drop(found.port);
	return is_behind_device(place, device->uplink) ? bpf_redirect_peer(device_of(place), 0) : TC_ACT_OK;
}

PROGRAM int from_wire(struct __sk_buff *skb)
{
	__u32 index = skb->ifindex;
	struct device *device = bpf_map_lookup_elem(&em_devices, &index);
	if (!device)
		return TC_ACT_SHOT;
	if (skb->mark == MARK_STACK || skb->mark == MARK_DEVICE)
		return take_back(skb, device);
	if (skb->protocol != ETHERTYPE_IPV4)
		return TC_ACT_OK;
	struct ipv4_frame *frame = linear(skb, sizeof *frame);
	if (!frame)
		return TC_ACT_SHOT;
	if (frame->ip.destination != device->vtep) /* the stack owns tenants' addresses: never without VXLAN */
		return find_page(device->space, frame->ip.destination) ? TC_ACT_SHOT : TC_ACT_OK;
	if (frame->ip.version_length != 0x45 || frame->ip.protocol != UDP || frame->ip.fragment & FRAGMENT)
		return TC_ACT_OK;
	struct {
		struct ipv4_frame frame;
		struct udp udp;
	} __attribute__((packed)) *datagram = linear(skb, sizeof *datagram);
	if (!datagram || datagram->udp.destination != VXLAN_PORT)
		return TC_ACT_OK;
	return unpack(skb, device->vtep);
}
