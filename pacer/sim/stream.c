/* SPDX-License-Identifier: MIT */
/*
 * Figures that change over time. See stream.h.
 */
#include "stream.h"

#include <math.h>

#define STREAM_PI 3.14159265358979323846

/** SplitMix64's mixing function (Steele, Lea, Flood 2014): every bit of the result depends on all.
 */
static uint64_t stream_mix(uint64_t x) {
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

double stream_random(uint64_t seed, uint64_t index) {
    uint64_t bits = stream_mix(stream_mix(seed) ^ stream_mix(~index)) >> 11; /* 53 of them */
    return (double)bits / 4503599627370496.0 - 1;                            /* 2^52 */
}

double stream_sine(double turns) {
    double x = turns - floor(turns + 0.5); /* -0.5..0.5 */
    if (x > 0.25)
        x = 0.5 - x;
    else if (x < -0.25)
        x = -0.5 - x;
    /* Taylor's series: at a quarter turn the first term left out is 6e-12. */
    x *= 2 * STREAM_PI;
    double square = x * x, term = x, sum = x;
    for (int n = 2; n <= 14; n += 2) {
        term = -term * square / (double)(n * (n + 1));
        sum += term;
    }
    return sum;
}

static double stream_node_value(const struct stream_node *nodes, const struct stream_node *node,
                                uint64_t seed, double x) {
    x -= node->delay;
    if (x < 0)
        return 0;
    switch (node->kind) {
    case STREAM_CONSTANT:
        return node->amount;
    case STREAM_RAMP:
        return x < node->length ? node->amount * x / node->length : node->amount;
    case STREAM_UNIT:
        return x < node->length ? node->amount : 0;
    case STREAM_OSCILLATE:
        return node->amount * stream_sine(x / node->length + node->phase);
    case STREAM_RANDOM:
        return node->amount *
               stream_random(seed ^ stream_mix(node->seed), (uint64_t)(x / node->length));
    case STREAM_SUM: {
        double sum = 0;
        for (int32_t i = node->first; i != STREAM_NONE; i = nodes[i].next) {
            double value = stream_node_value(nodes, &nodes[i], seed, x);
            value = value < nodes[i].least ? nodes[i].least : value;
            sum += value > nodes[i].most ? nodes[i].most : value;
        }
        return sum;
    }
    }
    return 0;
}

double stream_value(const struct stream *stream, const struct stream_node *nodes, uint64_t seed,
                    double x) {
    if (stream->root == STREAM_NONE)
        return stream->constant;
    const struct stream_node *node = &nodes[stream->root];
    double value = stream_node_value(nodes, node, seed, x);
    value = value < node->least ? node->least : value;
    return value > node->most ? node->most : value;
}

static bool stream_check_depth(const struct stream_node *nodes, int32_t count, int32_t root,
                               int depth) {
    if (root < 0 || root >= count || depth > STREAM_DEPTH)
        return false;
    const struct stream_node *node = &nodes[root];
    if (!(node->length > 0) || !isfinite(node->amount) || !isfinite(node->length) ||
        !isfinite(node->phase) || !isfinite(node->delay) || !(node->least <= node->most))
        return false;
    if (node->kind != STREAM_SUM)
        return true;
    int32_t last = root; /* indexes grow along a list and downwards, so that there is no cycle */
    for (int32_t i = node->first; i != STREAM_NONE; i = nodes[i].next) {
        if (i <= last || !stream_check_depth(nodes, count, i, depth + 1))
            return false;
        last = i;
    }
    return true;
}

bool stream_check(const struct stream_node *nodes, int32_t count, int32_t root) {
    return root == STREAM_NONE || stream_check_depth(nodes, count, root, 1);
}
