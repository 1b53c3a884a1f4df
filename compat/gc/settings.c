/* SPDX-License-Identifier: MIT */
/*
 * Settings: those that Gait has, and those that are kept and given back, so that a program finds
 * what it set. Variables of old may be stored to by the program at any time: they are looked at
 * where an allocation takes its slow path.
 */
#include "compat.h"

#include <gait/foreign.h>

#include <limits.h>
#include <stdlib.h>

/* libgc's divisor at which GOGC is 100. */
enum { DIVISOR_FIRST = 3 };
enum { GOGC_AT_ONE = 100 * DIVISOR_FIRST };

GC_word GC_free_space_divisor = DIVISOR_FIRST;
GC_word GC_max_retries;
GC_word GC_non_gc_bytes;
unsigned long GC_time_limit = GC_TIME_UNLIMITED;
int GC_dont_expand, GC_use_entire_heap, GC_dont_precollect, GC_finalize_on_demand;
int GC_full_freq = 19; /* libgc's defaults, here and below */
int GC_java_finalization;
int GC_dont_gc;
int GC_parallel = 1;
void *GC_least_plausible_heap_addr, *GC_greatest_plausible_heap_addr = (void *)UINTPTR_MAX;

static GC_word divisor_applied = DIVISOR_FIRST;
static GC_word foreign_applied;
static bool held;              /* atomic; lock ALLOC to change: a thread holds collections off */
static GC_word max_heap_bytes; /* 0: none */

/* ---- How often ---- */

/* GOGC in the environment rules. */
static bool gogc_is_given(void) {
    const char *text = secure_getenv("GOGC");
    return text && *text;
}

static void apply_divisor(void) {
    GC_word divisor = GC_free_space_divisor;
    if (divisor == divisor_applied || divisor == 0)
        return;
    divisor_applied = divisor;
    if (!gogc_is_given())
        gait_set_gogc(compat_heap, divisor < GOGC_AT_ONE ? (int32_t)(GOGC_AT_ONE / divisor) : 1);
}

/* libgc counts for all threads together; with Gait a thread holds collections off, and ends that
 * itself: if another one enabled them, in its next allocation's slow path. */
static void apply_off(struct thread *thread) {
    if (thread->holds && !GC_dont_gc) {
        gait_no_collect_end(thread->mutator);
        thread->holds = false;
        __atomic_store_n(&held, false, __ATOMIC_RELAXED);
    } else if (GC_dont_gc && !held) {
        gait_no_collect_begin(thread->mutator);
        thread->holds = true;
        __atomic_store_n(&held, true, __ATOMIC_RELAXED);
    }
}

void compat_settings_forget(struct thread *thread) {
    if (thread->holds)
        __atomic_store_n(&held, false, __ATOMIC_RELAXED);
}

void compat_settings_child(void) { held = compat_thread_here && compat_thread_here->holds; }

/* Memory that the program says that it has. */
static void apply_foreign(void) {
    GC_word now = GC_non_gc_bytes, before = foreign_applied;
    foreign_applied = now;
    if (now > before)
        gait_heap_foreign_add(compat_heap, now - before);
    else if (now < before)
        gait_heap_foreign_sub(compat_heap, before - now);
}

static bool differ(const struct thread *thread) {
    bool off = GC_dont_gc != 0;
    return (GC_free_space_divisor != divisor_applied && GC_free_space_divisor != 0) ||
           GC_non_gc_bytes != foreign_applied ||
           (off ? !__atomic_load_n(&held, __ATOMIC_RELAXED) : thread->holds);
}

void compat_settings_apply(void) {
    if (!GC_is_init_called())
        return;
    struct thread *thread = compat_thread_mine();
    if (COMPAT_LIKELY(!differ(thread)) || thread->locked) /* by GC_alloc_lock: the next time */
        return;
    compat_alloc_lock();
    call_begin(thread);
    apply_off(thread);
    apply_divisor();
    apply_foreign();
    call_end(thread);
    compat_alloc_unlock();
}

void GC_set_free_space_divisor(GC_word divisor) {
    GC_free_space_divisor = divisor;
    compat_settings_apply();
}
GC_word GC_get_free_space_divisor(void) { return GC_free_space_divisor; }

void GC_set_non_gc_bytes(GC_word bytes) {
    GC_non_gc_bytes = bytes;
    compat_settings_apply();
}
GC_word GC_get_non_gc_bytes(void) { return GC_non_gc_bytes; }

void GC_disable(void) {
    __atomic_fetch_add(&GC_dont_gc, 1, __ATOMIC_SEQ_CST);
    compat_settings_apply();
}

void GC_enable(void) {
    __atomic_fetch_sub(&GC_dont_gc, 1, __ATOMIC_SEQ_CST);
    compat_settings_apply();
}

int GC_is_disabled(void) { return GC_dont_gc != 0; }

static int automatic_off;
void GC_set_disable_automatic_collection(int off) {
    if (!off != !automatic_off)
        (off ? GC_disable : GC_enable)();
    automatic_off = off;
}
int GC_get_disable_automatic_collection(void) { return automatic_off; }

/* ---- How large ---- */

int GC_expand_hp(size_t bytes) {
    struct thread *thread = compat_thread_mine();
    if (bytes > PTRDIFF_MAX)
        return 0;
    call_begin(thread);
    int64_t least = gait_set_min_heap(compat_heap, GAIT_KEEP);
    GC_word wanted = GC_get_heap_size() + bytes;
    if ((GC_word)least < wanted)
        gait_set_min_heap(compat_heap, (int64_t)wanted);
    call_end(thread);
    return 1;
}

void GC_set_max_heap_size(GC_word bytes) { max_heap_bytes = bytes; }

/* Would so many bytes pass it, after a collection too? */
bool compat_limit_is_reached(size_t bytes) {
    if (COMPAT_LIKELY(!max_heap_bytes))
        return false;
    if (GC_get_heap_size() + bytes <= max_heap_bytes)
        return false;
    GC_gcollect_and_unmap();
    return GC_get_heap_size() + bytes > max_heap_bytes;
}

/* ---- Interior references ---- */

/* Each word may refer to the inside of objects in any case, except for those of bitmap kinds, of
 * which this library has none: so displacements are noted, for GC_is_valid_displacement. */
enum { DISPLACEMENTS = 4096 };
static unsigned char displacements[DISPLACEMENTS / CHAR_BIT] = {1};

void GC_register_displacement(size_t bytes) {
    if (bytes < DISPLACEMENTS)
        __atomic_fetch_or(&displacements[bytes / CHAR_BIT], (unsigned char)(1 << bytes % CHAR_BIT),
                          __ATOMIC_RELAXED);
}
void GC_debug_register_displacement(size_t bytes) {
    GC_register_displacement(bytes);
    GC_register_displacement(bytes + GC_get_debug_header_size());
}
bool compat_displacement_is_known(size_t bytes) {
    return bytes < DISPLACEMENTS && (displacements[bytes / CHAR_BIT] >> bytes % CHAR_BIT & 1);
}

void GC_set_all_interior_pointers(int on) { GC_all_interior_pointers = on != 0; }
int GC_get_all_interior_pointers(void) { return GC_all_interior_pointers; }

/* ---- Kept and given back ---- */

#define KEPT(type, name, variable, why)                                                            \
    void GC_set_##name(type value) {                                                               \
        if (value != (variable))                                                                   \
            WITHOUT_MEANING(why);                                                                  \
        (variable) = value;                                                                        \
    }                                                                                              \
    type GC_get_##name(void) { return variable; }

static int rate = 10, max_prior_attempts = 1, pages_executable, manual_vdb, force_unmap;
static size_t min_bytes_allocd = 1;
static GC_word allocd_bytes_per_finalizer = 10000;
static struct GC_timeval_s time_limit = {GC_TIME_UNLIMITED, 0};

KEPT(int, full_freq, GC_full_freq, "there is no incremental collection")
KEPT(unsigned long, time_limit, GC_time_limit, "there is no incremental collection")
KEPT(int, rate, rate, "there is no incremental collection")
KEPT(int, max_prior_attempts, max_prior_attempts, "there is no incremental collection")
KEPT(int, manual_vdb_allowed, manual_vdb, "no pages are watched for stores")
KEPT(int, dont_expand, GC_dont_expand, "GOGC and GOMEMLIMIT say how far the heap grows")
KEPT(size_t, min_bytes_allocd, min_bytes_allocd, "GAIT_MIN_HEAP and GOGC say when it is collected")
KEPT(GC_word, max_retries, GC_max_retries, "an allocation collects as long as that helps")
KEPT(int, dont_precollect, GC_dont_precollect, "a new heap is not collected")
KEPT(int, force_unmap_on_gcollect, force_unmap, "free memory goes back to the OS by itself")
KEPT(GC_word, allocd_bytes_per_finalizer, allocd_bytes_per_finalizer,
     "finalizers do not change the pace")
KEPT(int, pages_executable, pages_executable, "objects lie in memory that can't be executed")

void GC_set_time_limit_tv(struct GC_timeval_s time) {
    WITHOUT_MEANING("there is no incremental collection");
    time_limit = time;
}
struct GC_timeval_s GC_get_time_limit_tv(void) {
    return time_limit;
}

void GC_set_finalize_on_demand(int on) { GC_finalize_on_demand = on; }
int GC_get_finalize_on_demand(void) { return GC_finalize_on_demand; }
void GC_set_java_finalization(int on) { GC_java_finalization = on; }
int GC_get_java_finalization(void) { return GC_java_finalization; }

/* Threads that help: as many as it is allowed CPUs, less one. */
int GC_get_parallel(void) {
    if (!GC_is_init_called())
        return GC_parallel;
    struct thread *thread = compat_thread_mine();
    call_begin(thread);
    int32_t procs = gait_set_max_procs(compat_heap, 0);
    call_end(thread);
    return procs - 1;
}
void GC_start_mark_threads(void) {}
void GC_set_markers_count(unsigned markers) {
    const char *procs = secure_getenv("GOMAXPROCS");
    if (procs && *procs)
        return; /* the environment rules */
    struct thread *thread = compat_thread_mine();
    call_begin(thread);
    gait_set_max_procs(compat_heap, markers ? (int32_t)markers : 0);
    call_end(thread);
}

void GC_enable_incremental(void) {
    compat_init();
    WITHOUT_MEANING("marking is with the program stopped, sweeping beside it");
}
int GC_is_incremental_mode(void) { return 0; }
int GC_incremental_protection_needs(void) { return GC_PROTECTS_NONE; }
void GC_start_incremental_collection(void) { WITHOUT_MEANING("there is none"); }
int GC_collect_a_little(void) {
    compat_init();
    WITHOUT_MEANING("there is no incremental collection");
    return 0; /* none is under way */
}

/* ---- The environment ---- */

void compat_settings_init(void) {
    GC_word bytes = compat_environment("GC_INITIAL_HEAP_SIZE", 0);
    if (bytes)
        gait_set_min_heap(compat_heap, (int64_t)bytes);
    max_heap_bytes = compat_environment("GC_MAXIMUM_HEAP_SIZE", max_heap_bytes);
    GC_free_space_divisor = compat_environment("GC_FREE_SPACE_DIVISOR", GC_free_space_divisor);
    GC_dont_gc |= secure_getenv("GC_DONT_GC") != NULL;
    GC_all_interior_pointers |= secure_getenv("GC_ALL_INTERIOR_POINTERS") != NULL;
    GC_word markers = compat_environment("GC_MARKERS", 0);
    if (markers)
        gait_set_max_procs(compat_heap, (int32_t)markers);
}
