/* The maps of one network; emulator/linux/overlay/maps.py creates them and has the same structures. */
#pragma once
#include "packet.h"

extern struct map em_pages, em_ports, em_devices, em_peers, em_vnis, em_moving;

#define PAGE_BITS 6 /* a page is 64 neighbouring addresses, and their ports are neighbours in em_ports */

struct page {
	__u32 space; /* addresses are unique within a space: VPCs with equal addresses are in different ones */
	__u32 page;  /* IPv4 address in host byte order >> PAGE_BITS */
};

#define DOWN 1
#define ASTRAY 2 /* packets for it are led to `place`, where it isn't: it is at its former place */

struct port {
	__u64 place; /* low half: device, high half: vtep; 0: no port. One store moves a port to another host. */
	__u8 mac[6];
	__u16 flags;
	__u32 vni, subnet;
	__u64 rx_packets, rx_bytes, tx_packets, tx_bytes, dropped; /* a GSO packet counts as one, as on a veth */
};

struct device { /* of an uplink, or of the compute host's end of a veth to a tenant's namespace */
	__u32 space;
	__be32 vtep;
	__u32 uplink;
	__be32 netmask; /* of the underlay's subnet */
	__u8 mac[6], gateway[6]; /* the uplink's own, and the next hop's outside the subnet */
};

struct peer { /* a compute host in the same subnet, by its vtep */
	__u8 mac[6];
	__u16 pad;
};

struct found {
	struct port *port; /* 0: no port has the address */
	__u32 slot;
};

INLINE __u32 device_of(__u64 place)
{
	return place;
}

INLINE __be32 vtep_of(__u64 place)
{
	return place >> 32;
}

/* The first slot of the page of an address; 0 if no tenant has a page there. */
INLINE __u32 *find_page(__u32 space, __be32 address)
{
	struct page key = {space, ntohl(address) >> PAGE_BITS};
	return bpf_map_lookup_elem(&em_pages, &key);
}

INLINE struct found find_port(__u32 space, __be32 address)
{
	struct found found = {0, 0};
	__u32 *first = find_page(space, address);
	if (!first)
		return found;
	found.slot = *first + (ntohl(address) & ((1 << PAGE_BITS) - 1));
	found.port = bpf_map_lookup_elem(&em_ports, &found.slot);
	if (found.port && !READ_ONCE(found.port->place))
		found.port = 0;
	return found;
}

/* Whether ports at a place are behind a device of the host with this uplink; otherwise they are in its stack. */
INLINE int is_behind_device(__u64 place, __u32 uplink)
{
	return device_of(place) != uplink;
}

INLINE int is_up(const struct port *port)
{
	return !(READ_ONCE(port->flags) & DOWN);
}

/* Whether packets for it are led to a host that doesn't have it, and are lost there. */
INLINE int is_astray(const struct port *port)
{
	return READ_ONCE(port->flags) & ASTRAY;
}

/* The place that a port is leaving: packets that were under way when it moved still pass there. */
INLINE __u64 former_place(__u32 slot)
{
	__u64 *place = bpf_map_lookup_elem(&em_moving, &slot);
	return place ? READ_ONCE(*place) : 0;
}

INLINE int is_behind(const struct found *found, __u32 device)
{
	return device_of(READ_ONCE(found->port->place)) == device || device_of(former_place(found->slot)) == device;
}

INLINE void count(__u64 *packets, __u64 *bytes, __u32 length)
{
	__sync_fetch_and_add(packets, 1);
	__sync_fetch_and_add(bytes, length);
}

INLINE int drop(struct port *port)
{
	__sync_fetch_and_add(&port->dropped, 1);
	return TC_ACT_SHOT;
}
