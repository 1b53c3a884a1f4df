/* SPDX-License-Identifier: MIT */
/*
 * What is scanned beside stacks: static variables of the program and its libraries, what
 * GC_add_roots names, and what the program's function pushes. All tables: lock TABLES, which is
 * held while the program stands.
 *
 * Libraries are looked for before each stop, if any was loaded or unloaded since: the loader's list
 * has a lock of libc's. With that lock held, by dl_iterate_phdr, none is unmapped.
 */
#include "compat.h"

#include <link.h>
#include <stdlib.h>

struct range {
    uintptr_t low, high;
};

struct ranges {
    struct range *all;
    size_t count, room;
};

COMPAT_TLS gait_visitor *compat_visitor_here;
int GC_no_dls;

static struct ranges segments, added, excluded;
static unsigned long long loaded, unloaded; /* as the loader counted when segments were found */
static bool stale = true;                   /* what segments are depends on has changed */
static GC_has_static_roots_func has_roots;
/* Some programs store to it, as they did before there was GC_set_push_other_roots. */
GC_push_other_roots_proc GC_push_other_roots;

static const char mine; /* lies in this library, or in the program that it is a part of */

static void ranges_append(struct ranges *ranges, uintptr_t low, uintptr_t high) {
    if (low >= high)
        return;
    if (ranges->count == ranges->room) {
        size_t room = ranges->room ? 2 * ranges->room : 64;
        struct range *all = realloc(ranges->all, room * sizeof *all);
        if (!all)
            compat_abort("no memory for a table of roots");
        ranges->all = all;
        ranges->room = room;
    }
    ranges->all[ranges->count++] = (struct range){low, high};
}

/* ---- Segments ---- */

/* Without those that are excluded, from this one of them on. */
static void append_segment(uintptr_t low, uintptr_t high, size_t first) {
    for (size_t i = first; i < excluded.count && low < high; i++) {
        const struct range *out = &excluded.all[i];
        if (out->low >= high || out->high <= low)
            continue;
        if (out->low > low)
            append_segment(low, out->low, i + 1);
        low = out->high;
    }
    ranges_append(&segments, low, high);
}

static bool holds(const struct dl_phdr_info *module, const void *address) {
    for (unsigned i = 0; i < module->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &module->dlpi_phdr[i];
        if (header->p_type == PT_LOAD &&
            (uintptr_t)address - (module->dlpi_addr + header->p_vaddr) < header->p_memsz)
            return true;
    }
    return false;
}

/* What is read-only after relocation has no references. */
static void append_writable(const struct dl_phdr_info *module, const ElfW(Phdr) * segment) {
    uintptr_t low = module->dlpi_addr + segment->p_vaddr, high = low + segment->p_memsz;
    for (unsigned i = 0; i < module->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &module->dlpi_phdr[i];
        uintptr_t from = module->dlpi_addr + header->p_vaddr, to = from + header->p_memsz;
        if (header->p_type == PT_GNU_RELRO && from < high && to > low) {
            append_segment(low, from, 0);
            low = to;
        }
    }
    append_segment(low, high, 0);
}

static int see_module(struct dl_phdr_info *module, size_t bytes, void *data) {
    (void)bytes;
    bool *is_first = data, program = *is_first; /* the program itself comes first */
    *is_first = false;
    if (program) {
        if (module->dlpi_adds == loaded && module->dlpi_subs == unloaded && !stale)
            return 1;
        loaded = module->dlpi_adds;
        unloaded = module->dlpi_subs;
        stale = false;
        segments.count = 0;
    } else if (GC_no_dls || holds(module, &mine)) {
        return 0;
    }
    for (unsigned i = 0; i < module->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &module->dlpi_phdr[i];
        if (header->p_type != PT_LOAD || !(header->p_flags & PF_W))
            continue;
        char *start = (char *)(module->dlpi_addr + header->p_vaddr);
        if (program || !has_roots || has_roots(module->dlpi_name, start, header->p_memsz))
            append_writable(module, header);
    }
    return 0;
}

/* Of the first module. @return 1: acted; -1: libraries have come or gone since they were seen. */
static int act_if_known(struct dl_phdr_info *module, size_t bytes, void *data) {
    (void)bytes;
    if (module->dlpi_adds != loaded || module->dlpi_subs != unloaded)
        return -1;
    (*(void (**)(void))data)();
    return 1;
}

void compat_roots_refresh(void (*act)(void)) {
    do {
        bool is_first = true;
        dl_iterate_phdr(see_module, &is_first);
    } while (dl_iterate_phdr(act_if_known, &act) < 0);
}

static void do_nothing(void) {}

void compat_roots_init(void) {
    compat_tables_lock();
    compat_roots_refresh(do_nothing);
    compat_tables_unlock();
}

/* ---- Visits ---- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

/* What lies between variables, on stacks and beside static ones, is no access that a sanitizer is
 * to look at, and Gait's own function is one that it does: so that one gets a copy. Word by word,
 * or the compiler makes a memcpy of it, which is looked at, too. */
__attribute__((no_sanitize("address", "thread"))) static size_t
copy_words(gait_word *to, const volatile gait_word *from, size_t count, size_t most) {
    count = count < most ? count : most;
    for (size_t i = 0; i < count; i++)
        to[i] = from[i];
    return count;
}

static void visit_words(gait_visitor *visitor, const gait_word *words, size_t count) {
    gait_word copy[256];
    while (count > 0) {
        size_t copied = copy_words(copy, words, count, sizeof copy / sizeof copy[0]);
        gait_visit_conservative(visitor, copy, copied);
        words += copied;
        count -= copied;
    }
}

#else
#define visit_words gait_visit_conservative
#endif

void compat_roots_visit_memory(gait_visitor *visitor, const void *low, const void *high) {
    uintptr_t from = ((uintptr_t)low + sizeof(gait_word) - 1) & ~(sizeof(gait_word) - 1);
    if (from < (uintptr_t)high)
        visit_words(visitor, (const gait_word *)from, ((uintptr_t)high - from) / sizeof(gait_word));
}

static void visit_ranges(gait_visitor *visitor, const struct ranges *ranges) {
    for (size_t i = 0; i < ranges->count; i++)
        compat_roots_visit_memory(visitor, (void *)ranges->all[i].low, (void *)ranges->all[i].high);
}

void compat_roots_visit(gait_visitor *visitor) {
    visit_ranges(visitor, &segments);
    visit_ranges(visitor, &added);
    compat_finalizers_visit(visitor);
    compat_toggles_visit(visitor);
    if (GC_push_other_roots)
        GC_push_other_roots();
}

/* ---- Calls ---- */

/* A program may say so again and again. With TABLES held. */
static bool is_added(uintptr_t low, uintptr_t high) {
    for (size_t i = 0; i < added.count; i++)
        if (added.all[i].low <= low && high <= added.all[i].high)
            return true;
    return false;
}

void GC_add_roots(void *low, void *high) {
    compat_init();
    compat_tables_lock();
    if (!is_added((uintptr_t)low, (uintptr_t)high))
        ranges_append(&added, (uintptr_t)low, (uintptr_t)high);
    compat_tables_unlock();
}

void GC_exclude_static_roots(void *low, void *high) {
    compat_init();
    compat_tables_lock();
    ranges_append(&excluded, (uintptr_t)low, (uintptr_t)high);
    stale = true;
    compat_tables_unlock();
}

void GC_remove_roots(void *low, void *high) {
    compat_tables_lock();
    for (size_t i = 0; i < added.count;) {
        struct range *range = &added.all[i];
        if (range->low >= (uintptr_t)low && range->high <= (uintptr_t)high)
            *range = added.all[--added.count];
        else
            i++;
    }
    compat_tables_unlock();
}

static void clear(struct ranges *ranges) {
    compat_tables_lock();
    ranges->count = 0;
    stale = true;
    compat_tables_unlock();
}

void GC_clear_roots(void) { clear(&added); }
void GC_clear_exclusion_table(void) { clear(&excluded); }

void GC_register_has_static_roots_callback(GC_has_static_roots_func ask) {
    compat_tables_lock();
    has_roots = ask;
    stale = true;
    compat_tables_unlock();
}

void GC_set_no_dls(int off) {
    compat_tables_lock();
    GC_no_dls = off;
    stale = true;
    compat_tables_unlock();
}
int GC_get_no_dls(void) { return GC_no_dls; }

int GC_is_tmp_root(void *address) {
    (void)address;
    return 0; /* none are: libraries' segments are found anew */
}

void GC_set_push_other_roots(GC_push_other_roots_proc push) { GC_push_other_roots = push; }
GC_push_other_roots_proc GC_get_push_other_roots(void) { return GC_push_other_roots; }

/* Of push_other_roots, and of mark functions. */
void GC_push_all(void *low, void *high) {
    if (compat_visitor_here)
        compat_roots_visit_memory(compat_visitor_here, low, high);
}
void GC_push_all_eager(void *low, void *high) { GC_push_all(low, high); }
void GC_push_conditional(void *low, void *high, int all) {
    (void)all; /* no pages are known as unchanged */
    GC_push_all(low, high);
}
void GC_push_finalizer_structures(void) {} /* they are pushed as it is */
