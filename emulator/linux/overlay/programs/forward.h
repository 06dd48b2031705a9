/* What a tenant sends: checked, routed, and brought to its destination. Both programs that see packets of
 * tenants share it. */
#pragma once
#include "encapsulate.h"

/* Marks of packets that go back up an uplink of this very host: from_wire knows them by it. A packet from
 * another namespace or machine has none: the kernel clears marks there. */
#define MARK_STACK 0x656d0001  /* for the stack of the compute host */
#define MARK_DEVICE 0x656d0002 /* for a port behind a device */

/* Bring a checked packet to a port of the same compute host.
 *
 * From the stack, packets leave by the uplink's way out. Only from a way in can a packet be handed to the
 * peer of a veth with its type (PACKET_HOST) kept, whatever MAC the port has. So it goes back up first. */
INLINE int deliver_here(struct __sk_buff *skb, const struct device *device, __u64 place, int is_from_stack)
{
	int is_for_device = is_behind_device(place, device->uplink);
	if (is_for_device && !is_from_stack) {
		bpf_skb_change_type(skb, PACKET_HOST);
		return bpf_redirect_peer(device_of(place), 0);
	}
	skb->mark = is_for_device ? MARK_DEVICE : MARK_STACK;
	return bpf_redirect(device->uplink, BPF_F_INGRESS);
}

/* Forward an IPv4 packet that came out of `skb->ifindex`. Only addresses are looked at: fragments pass. */
INLINE int forward(struct __sk_buff *skb, const struct device *device, int is_from_stack)
{
	struct ipv4_frame *frame = linear(skb, sizeof *frame);
	if (!frame)
		return TC_ACT_SHOT;
	if (is_from_stack && frame->ip.source == device->vtep)
		return TC_ACT_OK; /* the compute host's own, or packed already */
	struct found source = find_port(device->space, frame->ip.source);
	if (!source.port || !is_behind(&source, skb->ifindex))
		return TC_ACT_SHOT; /* a forged source: no port to count it at */
	struct found destination = find_port(device->space, frame->ip.destination);
	if (!destination.port || !is_up(source.port) || !is_up(destination.port) || source.port->vni != destination.port->vni)
		return drop(source.port);
	if (source.port->subnet != destination.port->subnet) { /* the VPC's router, on every host */
		if (frame->ip.ttl <= 1)
			return drop(source.port);
		__be16 before = htons(frame->ip.ttl << 8 | frame->ip.protocol);
		frame->ip.ttl--;
		update_checksum(&frame->ip, before, htons(frame->ip.ttl << 8 | frame->ip.protocol));
	}
	/* The inner MACs are those of the two ports, also between subnets: no router has a MAC of its own. */
	__u32 length = skb->len - sizeof(struct ethernet);
	__u64 place = READ_ONCE(destination.port->place);
	if (vtep_of(place) == device->vtep) {
		if (is_astray(destination.port))
			return drop(destination.port);
		memcpy(frame->ethernet.destination, destination.port->mac, 6);
		memcpy(frame->ethernet.source, source.port->mac, 6);
		count(&source.port->tx_packets, &source.port->tx_bytes, length);
		count(&destination.port->rx_packets, &destination.port->rx_bytes, length);
		return deliver_here(skb, device, place, is_from_stack);
	}
	if (encapsulate(skb, device, vtep_of(place), frame->ip.tos, source.port, destination.port))
		return drop(source.port);
	count(&source.port->tx_packets, &source.port->tx_bytes, length);
	return is_from_stack ? TC_ACT_OK : bpf_redirect(device->uplink, 0);
}

/* Turn an ARP request into the reply of `port`. */
INLINE void answer(struct ethernet *ethernet, struct arp *arp, const struct port *port)
{
	__be32 asked = arp->target;
	memcpy(ethernet->destination, arp->sender_mac, 6);
	memcpy(ethernet->source, port->mac, 6);
	arp->operation = ARP_REPLY;
	memcpy(arp->target_mac, arp->sender_mac, 6);
	arp->target = arp->sender;
	memcpy(arp->sender_mac, port->mac, 6);
	arp->sender = asked;
}
