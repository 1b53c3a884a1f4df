/* SPDX-License-Identifier: MIT */
/**
 * Reads recordings of running programs: the format of gait/pacerlog.h, from memory.
 *
 * Pure: the caller has the bytes and gives the room. recording_check looks at the whole file and
 * says what room is needed; recording_read fills it.
 */
#ifndef SIM_RECORDING_H
#define SIM_RECORDING_H

#include "gait/pacerlog.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What is wrong with a file. */
enum recording_fault {
    RECORDING_GOOD,
    RECORDING_FOREIGN, /**< no recording                                        */
    RECORDING_VERSION, /**< of another version of the format                    */
    RECORDING_CUT,     /**< ends inside its header or inside a record           */
    RECORDING_BROKEN,  /**< a record that is too short or can't be true            */
};

/** A recording. */
struct recording {
    struct gait_pacerlog_header header;
    char gait_version[GAIT_PACERLOG_TEXT_BYTES + 1];
    struct gait_pacerlog_sample *samples; /**< the caller's, as are the cycles */
    struct gait_pacerlog_cycle *cycles;
    size_t sample_count, cycle_count;
    size_t settings_count; /**< how often settings changed                     */
    uint64_t lost;         /**< records that the program dropped               */
    bool ended;            /**< whole: the program ended it                    */
};

/**
 * Look at a whole file.
 *
 * @param recording  gets all but samples and cycles
 * @param fault_at   the byte at which the fault is: all before it is whole records
 */
enum recording_fault recording_check(const unsigned char *bytes, size_t size,
                                     struct recording *recording, size_t *fault_at);

/**
 * May a file with this fault be used? One that is cut off behind its header may, as a full disk
 * leaves it: its first `fault_at` bytes are whole records.
 */
bool recording_is_usable(enum recording_fault fault, size_t fault_at);

/** Fill samples and cycles, which have room for their counts, from bytes that are whole records. */
void recording_read(const unsigned char *bytes, size_t size, struct recording *recording);

/** A whole recording in figures. */
struct recording_total {
    double cycles;
    double wall_s;
    double program_cpu_s;
    double gc_cpu_s;
    double gc_share; /**< of all CPU time, 0..1 */
    double allocated_bytes;
    double peak_heap_bytes;
    double peak_total_bytes;
    double limiting_s;
    double forced_cycles;
};
struct recording_total recording_total(const struct recording *recording);

/** The collector's CPU time up to a sample, all purposes, ns. */
int64_t recording_gc_cpu_ns(const struct gait_pacerlog_sample *sample);

/** Allocated in the heap up to a sample, bytes. */
int64_t recording_allocated(const struct gait_pacerlog_sample *sample);

#endif
