/* SPDX-License-Identifier: MIT */
/*
 * Streams: each kind at points that its definition gives, sums, delays, clips, what is no tree; the
 * sine against the C library's; noise that is even, and the same again.
 */
#include "stream.h"

#include <criterion/criterion.h>
#include <math.h>

static struct stream_node node_of(enum stream_kind kind, double amount, double length) {
    return (struct stream_node){.kind = kind,
                                .amount = amount,
                                .length = length,
                                .least = -INFINITY,
                                .most = INFINITY,
                                .first = STREAM_NONE,
                                .next = STREAM_NONE};
}

static double value_at(const struct stream_node *nodes, double x) {
    struct stream stream = {.root = 0};
    return stream_value(&stream, nodes, 1, x);
}

Test(stream, constant_needs_no_node) {
    struct stream stream = {.constant = 42, .root = STREAM_NONE};
    cr_expect(stream_value(&stream, NULL, 1, 7) == 42);
    cr_expect(!stream_varies(&stream));
    cr_expect(stream_check(NULL, 0, STREAM_NONE));
}

Test(stream, kinds) {
    static const struct {
        enum stream_kind kind;
        double amount, length, x, value;
    } rows[] = {
        {STREAM_CONSTANT, 5, 1, 100, 5},  {STREAM_RAMP, 10, 4, 0, 0},
        {STREAM_RAMP, 10, 4, 1, 2.5},     {STREAM_RAMP, 10, 4, 4, 10},
        {STREAM_RAMP, 10, 4, 400, 10},    {STREAM_RAMP, -10, 4, 2, -5},
        {STREAM_UNIT, 3, 2, 0, 3},        {STREAM_UNIT, 3, 2, 1.99, 3},
        {STREAM_UNIT, 3, 2, 2, 0},        {STREAM_OSCILLATE, 2, 4, 0, 0},
        {STREAM_OSCILLATE, 2, 4, 1, 2},   {STREAM_OSCILLATE, 2, 4, 3, -2},
        {STREAM_OSCILLATE, 2, 4, 401, 2}, {STREAM_RAMP, 10, 4, -1, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct stream_node node = node_of(rows[i].kind, rows[i].amount, rows[i].length);
        double value = value_at(&node, rows[i].x);
        cr_expect(fabs(value - rows[i].value) < 1e-9, "row %zu: %g", i, value);
    }
}

Test(stream, delay_and_clip) {
    struct stream_node node = node_of(STREAM_RAMP, 10, 10);
    node.delay = 5;
    node.most = 4;
    cr_expect(value_at(&node, 4.9) == 0);
    cr_expect(value_at(&node, 7) == 2);
    cr_expect(value_at(&node, 20) == 4);
    node.least = 1;
    cr_expect(value_at(&node, 0) == 1, "clipped before it begins, too");
}

Test(stream, sums_nest) {
    struct stream_node nodes[] = {node_of(STREAM_SUM, 0, 1), node_of(STREAM_CONSTANT, 100, 1),
                                  node_of(STREAM_SUM, 0, 1), node_of(STREAM_RAMP, 10, 1),
                                  node_of(STREAM_UNIT, 1000, 1)};
    nodes[0].first = 1;
    nodes[1].next = 2;
    nodes[2].first = 3;
    nodes[2].delay = 50;
    nodes[3].next = 4;
    nodes[4].most = 7;
    cr_expect(stream_check(nodes, 5, 0));
    cr_expect(value_at(nodes, 10) == 100);
    cr_expect(value_at(nodes, 50.5) == 112);
    cr_expect(value_at(nodes, 60) == 110);
}

Test(stream, what_is_no_tree_is_refused) {
    struct stream_node nodes[] = {node_of(STREAM_SUM, 0, 1), node_of(STREAM_SUM, 0, 1)};
    nodes[0].first = 1;
    cr_expect(stream_check(nodes, 2, 0));
    nodes[1].first = 0;
    cr_expect(!stream_check(nodes, 2, 0), "a circle");
    nodes[1].first = 2;
    cr_expect(!stream_check(nodes, 2, 0), "beyond the end");
    nodes[1].first = STREAM_NONE;
    nodes[1].next = 1;
    cr_expect(!stream_check(nodes, 2, 0), "a list in a circle");
    nodes[1].next = STREAM_NONE;
    nodes[1].length = 0;
    cr_expect(!stream_check(nodes, 2, 0), "no length");
    nodes[1].length = 1;
    nodes[1].amount = NAN;
    cr_expect(!stream_check(nodes, 2, 0), "not a number");
    cr_expect(!stream_check(nodes, 2, 7));
    struct stream_node deep[STREAM_DEPTH + 1];
    for (int i = 0; i <= STREAM_DEPTH; i++) {
        deep[i] = node_of(STREAM_SUM, 0, 1);
        deep[i].first = i < STREAM_DEPTH ? i + 1 : STREAM_NONE;
    }
    cr_expect(!stream_check(deep, STREAM_DEPTH + 1, 0), "too deep");
    cr_expect(stream_check(deep, STREAM_DEPTH + 1, 1));
}

Test(stream, sine_is_the_sine) {
    double worst = 0;
    for (int i = -4000; i <= 4000; i++) {
        double turns = i / 997.0;
        worst = fmax(worst, fabs(stream_sine(turns) - sin(2 * 3.14159265358979323846 * turns)));
    }
    cr_expect(worst < 1e-10, "%g", worst);
}

Test(stream, random_is_even_and_repeats) {
    double sum = 0, squares = 0;
    int below = 0;
    for (uint64_t i = 0; i < 20000; i++) {
        double value = stream_random(9, i);
        cr_assert(value >= -1 && value < 1);
        cr_assert(value == stream_random(9, i));
        sum += value;
        squares += value * value;
        below += value < 0.5;
    }
    cr_expect(fabs(sum / 20000) < 0.02);
    cr_expect(fabs(squares / 20000 - 1.0 / 3) < 0.01);
    cr_expect(abs(below - 15000) < 300);
    cr_expect(stream_random(9, 1) != stream_random(10, 1));
    cr_expect(stream_random(9, 1) != stream_random(9, 2));

    struct stream_node node = node_of(STREAM_RANDOM, 1, 2);
    cr_expect(value_at(&node, 0.1) == value_at(&node, 1.9), "the same for its length");
    cr_expect(value_at(&node, 1.9) != value_at(&node, 2.1));
    double before = value_at(&node, 0);
    node.seed = 5;
    cr_expect(value_at(&node, 0) != before);
}
