// The peer that stays in the kernel: an XDP program swaps the MACs and returns frames with XDP_TX.
#include <linux/bpf.h>

#define SECTION(name) __attribute__((section(name), used))

struct mac {
    unsigned char bytes[6];
};

struct ethernet {
    struct mac destination;
    struct mac source;
    unsigned short type;
};

SECTION("xdp") int xdp_echo(struct xdp_md* context) {
    struct ethernet* frame = (void*)(long)context->data;
    if ((void*)(frame + 1) > (void*)(long)context->data_end)
        return XDP_DROP;
    const struct mac address = frame->destination;
    frame->destination = frame->source;
    frame->source = address;
    return XDP_TX;
}

// For the other end of the veth: frames sent by XDP_TX arrive only if an XDP program runs there.
SECTION("xdp") int xdp_pass(struct xdp_md* context) {
    (void)context;
    return XDP_PASS;
}
