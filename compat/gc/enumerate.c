/* SPDX-License-Identifier: MIT */
/*
 * GC_enumerate_reachable_objects_inner: a cycle is run for it, whose liveness hook notes what is
 * marked, kind by kind, with the program stopped; the function is called afterwards, by the thread
 * that asked. It has the allocation lock, so there is one at a time.
 */
#include "enumerate.h"

#include "compat.h"

#include <sys/mman.h>

struct note {
    void *object;
    size_t bytes;
};

/* Of mmap's memory: malloc's lock may be a stopped thread's. Lock TABLES; then the asking thread's.
 */
static struct note *notes;
static size_t count, room;
static bool wanted;

enum { NOTES_FIRST = 1 << 16 };

static bool make_room(void) {
    if (count < room)
        return true;
    size_t more = room ? 2 * room : NOTES_FIRST;
    void *grown = room ? mremap(notes, room * sizeof *notes, more * sizeof *notes, MREMAP_MAYMOVE)
                       : mmap(NULL, more * sizeof *notes, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (grown == MAP_FAILED)
        return false;
    notes = grown;
    room = more;
    return true;
}

static void visit(gait_liveness *liveness, void *cell, size_t cell_bytes, void *data) {
    (void)liveness;
    const unsigned *kind = data;
    void *object = compat_object_shown(cell, *kind, &cell_bytes);
    if (make_room())
        notes[count++] = (struct note){object, cell_bytes};
}

void compat_enumerate(gait_liveness *liveness) {
    if (!wanted)
        return;
    for (unsigned kind = 0; compat_kind_is_known((int)kind); kind++)
        gait_walk_marked(liveness, compat_kind_gait[kind], visit, &kind);
    wanted = false; /* once */
}

static void want(bool on) {
    compat_tables_lock();
    wanted = on;
    compat_tables_unlock();
}

/* What another cycle has freed in between is passed over. */
void GC_enumerate_reachable_objects_inner(GC_reachable_object_proc see, void *data) {
    want(true);
    GC_gcollect();
    want(false); /* collections are off: nothing is seen */
    for (size_t i = 0; i < count; i++)
        if (GC_base(notes[i].object) == notes[i].object)
            see(notes[i].object, notes[i].bytes, data);
    if (room)
        munmap(notes, room * sizeof *notes);
    notes = NULL;
    count = room = 0;
}
