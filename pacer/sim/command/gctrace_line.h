/* SPDX-License-Identifier: MIT */
/**
 * Lines about cycles, as text: what each says, and whether it is whole.
 */
#ifndef COMMAND_GCTRACE_LINE_H
#define COMMAND_GCTRACE_LINE_H

#include "gctrace.h"

#define GCTRACE_MIB 1048576.0

/** What became of text that begins like a cycle. */
enum gctrace_told {
    GCTRACE_WHOLE,
    GCTRACE_ENDS, /**< all right as far as it goes: the rest may be on the next line */
    GCTRACE_OTHER /**< something else stands in it                                */
};

/** Where a cycle's line begins in this text ("gc 7 @1.2"), from `text` on; NULL: nowhere. */
const char *gctrace_line_start(const char *text);

/** Read the cycle that begins here. @param end  where it ends, or no longer is one */
enum gctrace_told gctrace_line_cycle(const char *text, struct gctrace_cycle *cycle,
                                     const char **end);

/** Exact sizes, as gctrace=2 adds them, and the number of the cycle that they are of. */
bool gctrace_line_is_bytes(const char *text);
bool gctrace_line_bytes(const char *text, struct gctrace_cycle *cycle);

/** The rest of a cycle's line, whose beginning is nowhere. */
bool gctrace_line_is_tail(const char *text);

/** A cycle as Go before 1.5 tells it: "gc18(8): ...". */
bool gctrace_line_is_old(const char *text);

/** Gait's word that its log took nothing for a while: so many lines are missing. */
bool gctrace_line_lost(const char *text, int64_t *lines);

/** What gcpacertrace=1 says before a cycle's line. */
struct gctrace_work {
    double bytes;                   /**< of the heap, looked at; 0: nothing was said */
    double start_bytes, peak_bytes; /**< of the cycle                              */
};
bool gctrace_line_work(const char *text, struct gctrace_work *work);

/** Are all figures such as a program may have? */
bool gctrace_line_is_sane(const struct gctrace_cycle *cycle);

#endif
