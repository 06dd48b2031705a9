/*
 * The floor: what the kernel alone costs.
 *
 * Makes the same objects as `emulator up` does for two shapes, with messages built before the clock
 * starts and nothing checked, and lets go of them again:
 *
 *     floor FOLDER tree DEPTH FANOUT [count]
 *     floor FOLDER linear SWITCHES HOSTS [count]
 *
 * The objects: one network namespace per node, bound to a file of its name in a private mount namespace
 * that one bind mount keeps; in every switch a bridge without STP and multicast snooping, IPv6 off; per
 * link one veth pair with both ends made where they stay, given indices, names, MACs, MTU, one queue each
 * way; in every host an IPv4 address and no IPv6 link-local address; lo up everywhere.
 *
 * The clock of `deploy` runs from the private mount namespace to the last message, that of `down` from
 * the sentinel to the event that says that the kernel has destroyed it (see emulator/linux/teardown.py).
 * With `count` everything is entered and counted in between, off the clock: the benchmark compares these
 * counts with those of the product, so the floor can't be low by doing less.
 *
 * Why this is as low as we know: one sendmsg per node, no acknowledgements asked for and none read, no
 * index read back, no IPv6 packets, no moves of links, descriptors of switches kept open, links brought up
 * last (a kernel worker then takes the RTNL lock to note the carrier; what comes after waits). FOLDER must
 * exist, be empty, and be nobody else's; it is left as it was. libc only. One line of JSON on standard
 * output; exit code 1 and a word on standard error when a system call fails.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BRIDGE = 2, FIRST_PORT = 10, ROOM = 768, PATH = 512 };

typedef struct {
    int parent; /* the older node that the only link to an older node leads to, -1 for none */
    int port, parent_port;
    int is_switch, number; /* s1, s2, … and h1, h2, … */
    int fd; /* switches: the namespace */
    size_t size, fd_at; /* the messages, and where the parent's descriptor goes in */
    char *messages;
} Node;

static Node *nodes;
static int count;
static char folder[PATH], pin[PATH], files[PATH];

static void die(const char *what)
{
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    umount2(pin, MNT_DETACH);
    exit(1);
}

static void must(int result, const char *what)
{
    if (result < 0)
        die(what);
}

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

/* ---- messages ---- */

typedef struct {
    char *data;
    size_t size, message;
} Buffer;

static void *put(Buffer *b, const void *data, size_t size)
{
    void *at = b->data + b->size;
    memset(at, 0, NLMSG_ALIGN(size));
    if (data)
        memcpy(at, data, size);
    b->size += NLMSG_ALIGN(size);
    if (b->size > ROOM)
        errno = ENOBUFS, die("messages");
    return at;
}

static void begin(Buffer *b, int kind, int flags)
{
    struct nlmsghdr header = {.nlmsg_type = kind, .nlmsg_flags = NLM_F_REQUEST | flags};
    b->message = b->size;
    put(b, &header, sizeof header);
}

static void end(Buffer *b)
{
    ((struct nlmsghdr *)(b->data + b->message))->nlmsg_len = b->size - b->message;
}

static void link_header(Buffer *b, int index, unsigned flags)
{
    struct ifinfomsg info = {.ifi_index = index, .ifi_flags = flags, .ifi_change = flags};
    put(b, &info, sizeof info);
}

static void *attribute(Buffer *b, int kind, const void *value, size_t size)
{
    struct rtattr header = {.rta_len = sizeof header + size, .rta_type = kind};
    put(b, &header, sizeof header);
    return size ? put(b, value, size) : NULL;
}

static size_t u32(Buffer *b, int kind, uint32_t value)
{
    return (char *)attribute(b, kind, &value, sizeof value) - b->data;
}

static size_t nest(Buffer *b, int kind)
{
    size_t at = b->size;
    attribute(b, kind | NLA_F_NESTED, NULL, 0);
    return at;
}

static void unnest(Buffer *b, size_t at)
{
    ((struct rtattr *)(b->data + at))->rta_len = b->size - at;
}

static void name_of(const Node *n, char *out, size_t size)
{
    snprintf(out, size, "%c%d", n->is_switch ? 's' : 'h', n->number);
}

static void mac_of(const Node *n, int port, unsigned char *mac)
{
    int id = n - nodes + 1;
    unsigned char bytes[6] = {2, id >> 16, id >> 8, id, port >> 8, port};
    memcpy(mac, bytes, 6);
}

static void end_of_link(Buffer *b, const Node *n, int port)
{
    char text[64] = "", node[32];
    unsigned char mac[6];
    name_of(n, node, sizeof node);
    snprintf(text, sizeof text, "%s-eth%d", node, port);
    mac_of(n, port, mac);
    attribute(b, IFLA_IFNAME, text, 16);
    attribute(b, IFLA_ADDRESS, mac, 6);
    u32(b, IFLA_MTU, 1500);
    u32(b, IFLA_NUM_TX_QUEUES, 1);
    u32(b, IFLA_NUM_RX_QUEUES, 1);
}

static void bridge(Buffer *b, const Node *n)
{
    char name[32] = "";
    unsigned char mac[6], zero = 0;
    name_of(n, name, sizeof name);
    mac_of(n, 0xffff, mac);
    begin(b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    link_header(b, BRIDGE, IFF_UP);
    attribute(b, IFLA_IFNAME, name, strlen(name) + 1);
    attribute(b, IFLA_ADDRESS, mac, 6);
    size_t info = nest(b, IFLA_LINKINFO);
    attribute(b, IFLA_INFO_KIND, "bridge", 6);
    size_t data = nest(b, IFLA_INFO_DATA);
    u32(b, IFLA_BR_STP_STATE, 0);
    attribute(b, IFLA_BR_MCAST_SNOOPING, &zero, 1);
    unnest(b, data);
    unnest(b, info);
    end(b);
}

static void veth(Buffer *b, Node *n)
{
    struct ifinfomsg peer_info = {.ifi_index = FIRST_PORT + n->port};
    begin(b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    link_header(b, FIRST_PORT + n->parent_port, IFF_UP);
    end_of_link(b, &nodes[n->parent], n->parent_port);
    n->fd_at = u32(b, IFLA_NET_NS_FD, 0);
    u32(b, IFLA_MASTER, BRIDGE);
    size_t info = nest(b, IFLA_LINKINFO);
    attribute(b, IFLA_INFO_KIND, "veth", 4);
    size_t data = nest(b, IFLA_INFO_DATA), peer = nest(b, VETH_INFO_PEER);
    ((struct rtattr *)(b->data + peer))->rta_type = VETH_INFO_PEER;
    put(b, &peer_info, sizeof peer_info);
    end_of_link(b, n, n->port);
    unnest(b, peer);
    unnest(b, data);
    unnest(b, info);
    end(b);
}

static void host_port(Buffer *b, const Node *n)
{
    unsigned char none = IN6_ADDR_GEN_MODE_NONE;
    begin(b, RTM_NEWLINK, 0);
    link_header(b, FIRST_PORT + n->port, 0);
    size_t spec = nest(b, IFLA_AF_SPEC), inet6 = nest(b, AF_INET6);
    attribute(b, IFLA_INET6_ADDR_GEN_MODE, &none, 1);
    unnest(b, inet6);
    unnest(b, spec);
    end(b);
    uint32_t ip = htonl(0x0a000000u + n->number);
    struct ifaddrmsg info = {.ifa_family = AF_INET, .ifa_prefixlen = 8, .ifa_index = FIRST_PORT + n->port};
    begin(b, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
    put(b, &info, sizeof info);
    attribute(b, IFA_ADDRESS, &ip, 4);
    attribute(b, IFA_LOCAL, &ip, 4);
    end(b);
    begin(b, RTM_NEWLINK, 0);
    link_header(b, FIRST_PORT + n->port, IFF_UP);
    end(b);
}

static void switch_port(Buffer *b, const Node *n)
{
    begin(b, RTM_NEWLINK, 0);
    link_header(b, FIRST_PORT + n->port, IFF_UP);
    u32(b, IFLA_MASTER, BRIDGE);
    end(b);
}

static void build(Node *n)
{
    Buffer b = {.data = n->messages};
    if (n->is_switch)
        bridge(&b, n);
    begin(&b, RTM_NEWLINK, 0);
    link_header(&b, 1, IFF_UP);
    end(&b);
    if (n->parent >= 0) {
        veth(&b, n);
        if (n->is_switch)
            switch_port(&b, n);
        else
            host_port(&b, n);
    }
    n->size = b.size;
}

/* ---- shapes ---- */

static Node *add(int is_switch, int number, int parent, int port, int parent_port)
{
    Node *n = &nodes[count++];
    *n = (Node){.parent = parent, .port = port, .parent_port = parent_port, .is_switch = is_switch,
                .number = number, .fd = -1};
    return n;
}

static void tree(int depth, int fanout)
{
    int total = 1, width = 1, first = 0;
    for (int level = 0; level < depth; level++)
        total += width *= fanout;
    nodes = calloc(total, sizeof *nodes);
    add(1, 1, -1, 0, 0);
    width = 1;
    for (int level = 1; level <= depth; level++) {
        int hosts = level == depth, below_root = level > 1;
        for (int i = 0; i < width * fanout; i++)
            add(!hosts, hosts ? i + 1 : count + 1, first + i / fanout, !hosts, i % fanout + 1 + below_root);
        first += width;
        width *= fanout;
    }
}

static void linear(int switches, int hosts)
{
    nodes = calloc((size_t)switches * (hosts + 1), sizeof *nodes);
    for (int i = 0; i < switches; i++)
        add(1, i + 1, i - 1, i == switches - 1 ? hosts + 1 : hosts + 2, hosts + 1);
    for (int i = 0; i < switches * hosts; i++)
        add(0, i + 1, i / hosts, 0, i % hosts + 1);
}

/* ---- work ---- */

/*
 * IPv6 off in this namespace. Equal names under one /proc/sys pile up in one hash chain, and each write
 * gets slower: a procfs of our own, renewed now and then, keeps it short.
 */
static void without_ipv6(void)
{
    static int before;
    if (before++ % 64 == 0) {
        if (before > 1)
            must(umount2("/proc", MNT_DETACH), "leave procfs");
        must(mount("proc", "/proc", "proc", 0, ""), "procfs");
    }
    int fd = open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return; /* a kernel without IPv6 */
    must(write(fd, "1", 1), "disable IPv6");
    close(fd);
}

static void private_mounts(void)
{
    must(mount(folder, folder, "", MS_BIND, ""), "bind the folder");
    must(mount("none", folder, "", MS_PRIVATE, ""), "make the folder private");
    int outside = open("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC);
    must(unshare(CLONE_NEWNS), "make a mount namespace");
    must(mount("none", "/", "", MS_REC | MS_PRIVATE, ""), "make it private");
    must(mount("tmpfs", files, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700,nr_inodes=0"), "tmpfs");
    int inside = open("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC);
    char from[64];
    snprintf(from, sizeof from, "/proc/self/fd/%d", inside);
    must(setns(outside, CLONE_NEWNS), "go out");
    must(mount(from, pin, "", MS_BIND, ""), "pin");
    must(setns(inside, CLONE_NEWNS), "go in");
    close(inside);
    close(outside);
}

static void make(Node *n)
{
    char path[PATH + 40], name[32];
    name_of(n, name, sizeof name);
    snprintf(path, sizeof path, "%s/%s", files, name);
    must(unshare(CLONE_NEWNET), "make a namespace");
    must(mknod(path, S_IFREG | 0400, 0), path);
    must(mount("/proc/thread-self/ns/net", path, "", MS_BIND, ""), path);
    if (n->is_switch) {
        without_ipv6();
        must(n->fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), "keep a namespace");
    }
    if (n->parent >= 0)
        memcpy(n->messages + n->fd_at, &nodes[n->parent].fd, sizeof(int));
    int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    must(sock, "netlink");
    must(send(sock, n->messages, n->size, 0), "send");
    close(sock);
}

static int dumped(int sock, int kind, int family)
{
    struct {
        struct nlmsghdr header;
        struct ifinfomsg info;
    } ask = {.header = {sizeof ask, kind, NLM_F_REQUEST | NLM_F_DUMP, 1, 0}, .info = {.ifi_family = family}};
    static char answer[1 << 18];
    int found = 0;
    must(send(sock, &ask, sizeof ask, 0), "ask");
    for (;;) {
        int size = recv(sock, answer, sizeof answer, 0);
        must(size, "answer");
        for (struct nlmsghdr *h = (void *)answer; NLMSG_OK(h, size); h = NLMSG_NEXT(h, size)) {
            if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
                return found;
            found++;
        }
    }
}

static void count_all(int *links, int *addresses)
{
    for (int i = 0; i < count; i++) {
        char path[PATH + 40], name[32];
        name_of(&nodes[i], name, sizeof name);
        snprintf(path, sizeof path, "%s/%s", files, name);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        must(setns(fd, CLONE_NEWNET), path);
        close(fd);
        int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        *links += dumped(sock, RTM_GETLINK, AF_UNSPEC);
        *addresses += dumped(sock, RTM_GETADDR, AF_UNSPEC);
        close(sock);
    }
}

/* Return a socket that hears when the namespace whose descriptor goes to *doomed is destroyed. */
static int sentinel(int *doomed)
{
    must(unshare(CLONE_NEWNET), "sentinel");
    *doomed = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    must(unshare(CLONE_NEWNET), "sentinel");
    char space[ROOM];
    Buffer b = {.data = space};
    begin(&b, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    link_header(&b, 0, 0);
    attribute(&b, IFLA_IFNAME, "sentinel", 9);
    u32(&b, IFLA_NET_NS_FD, *doomed);
    size_t info = nest(&b, IFLA_LINKINFO);
    attribute(&b, IFLA_INFO_KIND, "veth", 4);
    size_t data = nest(&b, IFLA_INFO_DATA), peer = nest(&b, VETH_INFO_PEER);
    ((struct rtattr *)(b.data + peer))->rta_type = VETH_INFO_PEER;
    put(&b, &(struct ifinfomsg){0}, sizeof(struct ifinfomsg)); /* without it the peer is made over there, too */
    unnest(&b, peer);
    unnest(&b, data);
    unnest(&b, info);
    end(&b);
    int sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    must(send(sock, space, b.size, 0), "sentinel");
    close(sock);
    int events = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    struct sockaddr_nl all = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
    must(bind(events, (void *)&all, sizeof all), "listen");
    return events;
}

static void wait_for_the_end(int events)
{
    static char event[1 << 16];
    do {
        struct pollfd ready = {.fd = events, .events = POLLIN};
        if (poll(&ready, 1, 300000) == 0)
            errno = ETIMEDOUT, die("the kernel doesn't let go");
        must(recv(events, event, sizeof event, 0), "wait");
    } while (((struct nlmsghdr *)event)->nlmsg_type != RTM_DELLINK);
}

int main(int argc, char **argv)
{
    if (argc < 5 || (strcmp(argv[2], "tree") && strcmp(argv[2], "linear"))) {
        fprintf(stderr, "usage: floor FOLDER tree|linear A B [count]\n");
        return 2;
    }
    snprintf(folder, sizeof folder, "%s", argv[1]);
    snprintf(pin, sizeof pin, "%.480s/mnt", folder);
    snprintf(files, sizeof files, "%.480s/ns", folder);
    (strcmp(argv[2], "tree") ? linear : tree)(atoi(argv[3]), atoi(argv[4]));
    char *space = malloc((size_t)count * ROOM);
    for (int i = 0; i < count; i++) {
        nodes[i].messages = space + (size_t)i * ROOM;
        build(&nodes[i]);
    }
    must(mkdir(files, 0700), files);
    close(open(pin, O_CREAT | O_CLOEXEC | O_RDONLY, 0600));
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    int home = open("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC);

    double start = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    private_mounts();
    for (int i = 0; i < count; i++)
        make(&nodes[i]);
    double deploy = seconds(CLOCK_MONOTONIC) - start;
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;

    int links = 0, addresses = 0;
    if (argc > 5)
        count_all(&links, &addresses);
    for (int i = 0; i < count; i++)
        if (nodes[i].fd >= 0)
            close(nodes[i].fd);
    must(setns(home, CLONE_NEWNS), "go home");

    start = seconds(CLOCK_MONOTONIC);
    int doomed, events = sentinel(&doomed);
    must(umount2(pin, MNT_DETACH), "unpin");
    close(doomed);
    wait_for_the_end(events);
    double down = seconds(CLOCK_MONOTONIC) - start;

    must(umount2(folder, MNT_DETACH), "unmount the folder");
    unlink(pin);
    rmdir(files);
    printf("{\"deploy\": %.6f, \"deploy_cpu\": %.6f, \"down\": %.6f, \"namespaces\": %d", deploy, cpu, down, count);
    if (argc > 5)
        printf(", \"links\": %d, \"addresses\": %d", links, addresses);
    printf("}\n");
    return 0;
}
