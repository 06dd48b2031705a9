/* Way out of an uplink: packets of the compute host itself pass, those of its ports are brought on. */
#include "forward.h"

INLINE int bring_on(struct __sk_buff *skb)
{
	__u32 index = skb->ifindex;
	struct device *device = bpf_map_lookup_elem(&em_devices, &index);
	if (!device)
		return TC_ACT_SHOT;
	if (skb->protocol == ETHERTYPE_IPV4)
		return forward(skb, device, 1);
	if (skb->protocol == ETHERTYPE_ARP) { /* the underlay needs ARP, tenants don't: it isn't theirs to send */
		struct arp_frame *frame = linear(skb, sizeof *frame);
		if (!frame)
			return TC_ACT_SHOT;
		if (frame->arp.sender != device->vtep && find_page(device->space, frame->arp.sender))
			return TC_ACT_SHOT;
	}
	return TC_ACT_OK;
}

PROGRAM int from_stack(struct __sk_buff *skb)
{
	/* A sender doesn't learn that a network loses its packet. TC_ACT_SHOT on the way out is an error of
	 * sendmsg (ENOBUFS). */
	int verdict = bring_on(skb);
	return verdict == TC_ACT_SHOT ? TC_ACT_STOLEN : verdict;
}
