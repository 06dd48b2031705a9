/* What programs need of the kernel: types, and the helpers that they call (bpf-helpers(7)). */
#pragma once
#include <linux/bpf.h>

#define PROGRAM __attribute__((section("program"), used))
#define INLINE static inline __attribute__((always_inline))
#define READ_ONCE(x) (*(volatile __typeof__(x) *)&(x))
#define memcpy __builtin_memcpy

#define htons(x) ((__be16)__builtin_bswap16(x))
#define ntohs(x) __builtin_bswap16(x)
#define htonl(x) ((__be32)__builtin_bswap32(x))
#define ntohl(x) __builtin_bswap32(x)

#define TC_ACT_OK 0   /* linux/pkt_cls.h */
#define TC_ACT_SHOT 2
#define TC_ACT_STOLEN 4
#define PACKET_HOST 0 /* linux/if_packet.h */

struct map; /* defined by user space: each map is a symbol that gets its descriptor when a program is loaded */

static void *(*const bpf_map_lookup_elem)(struct map *, const void *) = (void *)BPF_FUNC_map_lookup_elem;
static __u32 (*const bpf_get_prandom_u32)(void) = (void *)BPF_FUNC_get_prandom_u32;
static __u32 (*const bpf_get_hash_recalc)(struct __sk_buff *) = (void *)BPF_FUNC_get_hash_recalc;
static long (*const bpf_skb_pull_data)(struct __sk_buff *, __u32) = (void *)BPF_FUNC_skb_pull_data;
static long (*const bpf_skb_change_type)(struct __sk_buff *, __u32) = (void *)BPF_FUNC_skb_change_type;
static long (*const bpf_skb_adjust_room)(struct __sk_buff *, __s32, __u32, __u64) = (void *)BPF_FUNC_skb_adjust_room;
static long (*const bpf_redirect)(__u32, __u64) = (void *)BPF_FUNC_redirect;
static long (*const bpf_redirect_peer)(__u32, __u64) = (void *)BPF_FUNC_redirect_peer;
