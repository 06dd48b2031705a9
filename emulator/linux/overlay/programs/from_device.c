/* Way in of the compute host's end of a veth: what a tenant's namespace, or a full host in a VPC, sends. */
#include "forward.h"

/* Any port of the same VPC answers, also of another subnet: the VPC's router is everywhere. */
INLINE int answer_arp(struct __sk_buff *skb, const struct device *device)
{
	struct arp_frame *frame = linear(skb, sizeof *frame);
	if (!frame || frame->arp.operation != ARP_REQUEST)
		return TC_ACT_SHOT;
	struct found source = find_port(device->space, frame->arp.sender);
	if (!source.port || !is_behind(&source, skb->ifindex))
		return TC_ACT_SHOT;
	struct found target = find_port(device->space, frame->arp.target);
	if (!target.port || target.port == source.port || !is_up(source.port) || !is_up(target.port) ||
	    source.port->vni != target.port->vni)
		return TC_ACT_SHOT;
	answer(&frame->ethernet, &frame->arp, target.port);
	return bpf_redirect(skb->ifindex, 0);
}

PROGRAM int from_device(struct __sk_buff *skb)
{
	__u32 index = skb->ifindex;
	struct device *device = bpf_map_lookup_elem(&em_devices, &index);
	if (!device)
		return TC_ACT_SHOT;
	if (skb->protocol == ETHERTYPE_IPV4)
		return forward(skb, device, 0);
	return skb->protocol == ETHERTYPE_ARP ? answer_arp(skb, device) : TC_ACT_SHOT;
}
