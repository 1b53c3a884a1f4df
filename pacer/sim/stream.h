/* SPDX-License-Identifier: MIT */
/**
 * A figure that changes over time: constant, or an expression of ramps, pulses, waves and noise, as
 * in the tests of Go's pacer. Evaluation is pure: the value at a time depends on the expression,
 * the time and the seed, never on what was asked before. Random numbers and sines are computed with
 * + - x / alone, so that all machines give the same bits.
 */
#ifndef SIM_STREAM_H
#define SIM_STREAM_H

#include <stdbool.h>
#include <stdint.h>

/** No node: a constant, or the end of a list. */
#define STREAM_NONE (-1)

/** Deepest nesting of sums. */
#define STREAM_DEPTH 8

enum stream_kind {
    STREAM_CONSTANT,  /**< amount                                                      */
    STREAM_RAMP,      /**< from 0 to amount over `length`, then amount                 */
    STREAM_UNIT,      /**< amount for the first `length`, then 0                       */
    STREAM_OSCILLATE, /**< amount x sin(2 pi (x / length + phase))                     */
    STREAM_RANDOM,    /**< evenly from -amount to amount, another one each `length`    */
    STREAM_SUM,       /**< of the list that starts at `first`                          */
};

/** One node of an expression. Children have higher indexes than their parent. */
struct stream_node {
    enum stream_kind kind;
    double amount; /**< in the unit of the figure                                           */
    double length; /**< seconds, or cycles; above 0                                         */
    double phase;  /**< turns                                                               */
    double delay;  /**< the value is 0 before this time, and that of x - delay from then on */
    double least;  /**< the value is clipped to least..most; -INFINITY and INFINITY: not    */
    double most;
    uint64_t seed; /**< mixed with the scenario's                                           */
    int32_t first; /**< of a sum: index of its first term                                   */
    int32_t next;  /**< index of the next term of the sum that this node is in              */
};

/** A constant, or an expression in the scenario's nodes. */
struct stream {
    double constant; /**< where root is STREAM_NONE */
    int32_t root;    /**< index of the expression   */
};

/** The value at `x`: seconds since the start of the phase, or cycles since the first. */
double stream_value(const struct stream *stream, const struct stream_node *nodes, uint64_t seed,
                    double x);

/** Does the value depend on x? */
static inline bool stream_varies(const struct stream *stream) {
    return stream->root != STREAM_NONE;
}

/** Is the expression at `root` a tree within `count` nodes, at most STREAM_DEPTH deep? */
bool stream_check(const struct stream_node *nodes, int32_t count, int32_t root);

/** Evenly from -1 to 1: the same for the same seed and index. */
double stream_random(uint64_t seed, uint64_t index);

/** sin(2 pi turns), to 10 digits. */
double stream_sine(double turns);

#endif
