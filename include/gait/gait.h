/* SPDX-License-Identifier: MIT */
/*
 * Gait: a concurrent, paced, non-moving mark-sweep garbage collector to embed.
 *
 *   heap      one collected memory with one pacer; a process may have several
 *   mutator   a thread's attachment to a heap; all that it does with objects goes through it
 *   kind      a registered object layout: which words of an object hold references
 *   word      a machine word that may hold a reference: a tagged address, or anything else
 *
 * Rules that every embedder keeps:
 *   - a mutator is used by the thread that attached it, and by no other;
 *   - a reference that must survive a safepoint is held in a root or in a reachable object;
 *     safepoints are: every allocation, gait_poll, and each function whose comment says so;
 *     a safepoint in one heap is one in all heaps that the thread is attached to: it need not poll
 *     in those that it does not work in;
 *   - references are stored into heap objects and static root slots by gait_store and its kin
 *     (not needed in a heap created with GAIT_STOP_THE_WORLD); stores to stacks are plain;
 *   - references cross from thread to thread through objects, static slots and handles; a
 *     thread that gets one by plain memory calls gait_shade with it;
 *   - a thread that blocks or computes long without polling does so between gait_enter_native and
 *     gait_leave_native, and touches no object there.
 *
 * Objects never move. A word that is not the address of an object is skipped by the collector, so
 * a wrong guess at worst keeps garbage.
 *
 * Structures that cross the library's border grow at their ends only. Each call gives the library
 * the size that the program was built with, by an inline function here; a program goes on to work
 * with a newer library, and with an older one as long as it leaves what that one does not know 0.
 *
 * Results: int is 0, or a negative GAIT_E… code; bool answers a question; NULL is no memory, or
 * what the function's comment says. A caller's bug (a detached mutator, one in native code, another
 * thread's, an unknown kind) stops the process with one line that names the call. The fast paths of
 * the inline functions see it in files that define GAIT_CHECKED before they include this header;
 * all others always, except that a few which are called often (gait_store, gait_move, gait_fill,
 * gait_compare_exchange, weak words and pairs) don't look whose mutator it is.
 *
 * It includes control.h, which asks for cycles and sets the pacer, and inline.h, which allocates
 * and stores; what not every program needs has headers of its own beside it (docs/calls.md lists
 * all). It has more than 600 lines since it is the reference of what each program calls, comments
 * first.
 */
#ifndef GAIT_GAIT_H
#define GAIT_GAIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define GAIT_API __attribute__((visibility("default")))
#define GAIT_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define GAIT_INLINE static inline __attribute__((always_inline, unused))
#define GAIT_MAY_ALIAS __attribute__((may_alias))
#else
#define GAIT_API
#define GAIT_UNLIKELY(x) (x)
#define GAIT_INLINE static inline
#define GAIT_MAY_ALIAS
#endif

typedef struct gait_heap gait_heap;
typedef struct gait_mutator gait_mutator;
typedef struct gait_handle gait_handle;
typedef struct gait_coroutine gait_coroutine;
typedef struct gait_visitor gait_visitor;

/**
 * A word that may hold a reference. It may alias what has another type: a program whose objects are
 * structures with pointers of their own types gives gait_store the address of such a member, cast
 * to gait_word *, and the compiler knows that the member changes. (C++: as a template's argument it
 * is uintptr_t, and g++ says so; uintptr_t is what to write there.)
 */
typedef uintptr_t GAIT_MAY_ALIAS gait_word;

/** A registered kind: 0 .. GAIT_KINDS_MAX - 1. */
typedef uint8_t gait_kind;

#define GAIT_KINDS_MAX 256

/** Error codes: what an int result says when it is negative. */
enum {
    GAIT_E_INVALID = -1, /* an argument is out of its range         */
    GAIT_E_MEMORY = -2,  /* the operating system gave no memory     */
    GAIT_E_FULL = -3,    /* a table of fixed size is full           */
    GAIT_E_MISSING = -4, /* what should be removed was never added  */
    GAIT_E_FILE = -5     /* a file can't be written; errno says why */
};

/* ------------------------------------------------------------------------------------------ */
/* Heaps                                                                                      */

/** Flags of a heap. */
enum {
    GAIT_STOP_THE_WORLD = 1 << 0,      /* no write barriers: marking runs with mutators stopped */
    GAIT_CONSERVATIVE_STACKS = 1 << 1, /* C stacks and registers are scanned for references     */
    /* C variables with static storage, of the program and of libraries that are loaded at any time,
     * are scanned for references, also to the inside of objects; but not thread-local ones. In a
     * heap with barriers they are stored to by gait_store, and a program that unloads a library
     * calls gait_shade with what it took out of its variables */
    GAIT_DATA_SEGMENTS = 1 << 2,
    GAIT_NO_FAULT_HANDLER = 1 << 3 /* arenas of this heap install no handler of SIGSEGV and SIGBUS
                                      (gait_explain_fault); those of other heaps may */
};

#define GAIT_GOGC_OFF (-1)
#define GAIT_NO_LIMIT INT64_MAX

/** What a heap gives notice of. Later versions may have more: pass over what is not known. */
typedef enum gait_notice {
    GAIT_NOTICE_MEMORY_HIGH, /* memory has passed the threshold                                  */
    GAIT_NOTICE_MEMORY_LOW,  /* it has fallen an eighth below, after it had passed it            */
    GAIT_NOTICE_LIMITER_ON,  /* the CPU limiter begins to hold the collector down: half of the CPU
                                does not suffice to collect with these settings                  */
    GAIT_NOTICE_LIMITER_OFF, /* it holds it down no more                                         */
    GAIT_NOTICE_CYCLE        /* a cycle was swept (gait_set_notice_cycles, liveness.h)           */
} gait_notice;

/**
 * Run with a notice: by gait_run_finalizers, never inside an allocation. It may do all that the
 * program may do there: allocate, collect, change settings. May be left by longjmp, as a finalizer.
 */
typedef void (*gait_notice_fn)(gait_mutator *mutator, gait_notice notice, void *data);

/**
 * What a heap is created with. gait_config_init fills in the defaults and reads nothing; an
 * embedder then changes what it wants fixed. The environment is read by gait_heap_create, for each
 * setting that is NULL here; but not in a privileged process (set-uid and its like), where those
 * have their defaults.
 */
typedef struct gait_config {
    size_t struct_bytes;  /* sizeof(gait_config), set by gait_config_init                    */
    uint32_t flags;       /* GAIT_STOP_THE_WORLD | GAIT_CONSERVATIVE_STACKS | …              */
    uint32_t reserved;    /* 0                                                               */
    gait_word value_mask; /* bits of a word that are an address; default: all. It may drop the
                             lowest four, and those above the lowest 47. Without bit 3 sizes
                             are rounded up to 16 bytes; ask for such, the others are slower */
    size_t reserve_bytes; /* addresses to reserve, at most 4 TiB, halved until the OS agrees:
                             a hard bound of the heap. 0: four times the memory that the
                             process may use, from 64 GiB to 1 TiB, down to 4 GiB where it has
                             more than 16 heaps; and no more than it leaves to the process,
                             whose limit (ulimit -v) may leave it less                       */
    const char *gogc;     /* "off" or a percentage; NULL: environment GOGC, else 100         */
    const char *memory_limit; /* "off", bytes with B/KiB/MiB/GiB/TiB, or a percentage;
                                 NULL: environment GOMEMLIMIT, else off                          */
    const char *max_procs;    /* CPUs to use; NULL: environment GOMAXPROCS, else those usable    */
    const char *debug;        /* comma list as of GAIT_DEBUG; NULL: environment                  */
    FILE *log;                /* where traces and reports go, past its buffer; it may be closed
                                 when the heap is gone; NULL: stderr                             */
    const char *min_heap;     /* least heap goal: "off" or bytes as above; NULL: environment
                                 GAIT_MIN_HEAP, else off. See gait_set_min_heap                    */
    const char *gogc_floor;   /* "off" or a percentage; NULL: environment GAIT_GOGC_FLOOR, else off.
                                 See gait_set_gogc_floor                                           */
    const char *assists;      /* "on" or "off"; NULL: environment GAIT_ASSISTS, else on. See
                                 gait_set_assists                                                  */
    const char *notice_memory; /* threshold of notices: "off", bytes as above, or a percentage of
                                  the limit; NULL: environment GAIT_NOTICE_MEMORY, else off. See
                                  gait_set_notice_memory                                         */
    gait_notice_fn notice;     /* NULL: no notices. See gait_set_notice                          */
    void *notice_data;         /* handed to notice                                               */
    const char *minor;         /* "on" or "off": cycles look at young objects only, where that
                                  pays: most of what is new dies soon, and stores go to few of
                                  the old objects. NULL: environment GAIT_MINOR, else on         */
    /* World hooks, for a program whose threads don't poll: it stops them by means of its own.
     * stop(stop_data) returns when each other thread that is attached to the heap stands still,
     * between any two instructions; start(stop_data) has them go on. Both NULL: threads poll. With
     * them the heap is one of GAIT_STOP_THE_WORLD, and has no minor cycles and no arenas.
     *
     * Both are called by a thread of the library's, or by one that writes a heap snapshot and is in
     * native code: it is not stopped. As stop is called no
     * attached thread is inside a function of the library's: a thread that calls one waits at its
     * entrance until the stop is over. So stop waits for no lock that a thread holds around such a
     * call; and a thread is known to stop after its gait_attach, and no more before its
     * gait_detach. From stop's return to start's call nothing of the library calls malloc, stdio or
     * the loader, whose locks a stopped thread may hold; nor does stopped_roots. A thread in native
     * code (gait_enter_native) need not be stopped. Neither is called around a fork. */
    void (*stop)(void *data);
    void (*start)(void *data);
    /* Called in between: visits what the stopped threads hold on stacks and in registers, by
     * gait_visit_conservative. NULL: nothing, or what gait_stopped_at says */
    void (*stopped_roots)(gait_visitor *visitor, void *data);
    void *stop_data;
} gait_config;

/** gait_config_init for a structure of so many bytes. Thread rule: any thread. */
GAIT_API void gait_config_init_sized(gait_config *config, size_t config_bytes);

/* What is inline here is a function of the library's for programs that were built when it was one,
 * or that look it up by its name: of structures as they were then. */
#ifdef GAIT_IN_LIBRARY
GAIT_API void gait_config_init(gait_config *config);
#else
/** Fill *config with the defaults. Thread rule: any thread. */
GAIT_INLINE void gait_config_init(gait_config *config) {
    gait_config_init_sized(config, sizeof *config);
}
#endif

/**
 * Create a heap.
 *
 * @param config       NULL for the defaults. Read during the call only.
 * @param error        where one line is written when the heap can't be created; may be NULL.
 * @param error_bytes  room at error, bytes.
 * @return the heap, or NULL: a malformed setting (the line says which, what was given and what is
 *         accepted), no memory, or a library that is not of the headers' layout.
 *
 * The collector's threads start when the heap first needs them: for its first cycle or arena, for
 * notices, or to follow a limit in percent. They inherit the affinity and scheduling of the thread
 * that needs them. Before its first cycle a heap has periodic cycles only where it is allocated in.
 *
 * Thread rule: any thread. A safepoint in the heaps that it is attached to.
 */
#ifdef GAIT_IN_LIBRARY
GAIT_API gait_heap *gait_heap_create(const gait_config *config, char *error, size_t error_bytes);
#else
GAIT_INLINE gait_heap *gait_heap_create(const gait_config *config, char *error, size_t error_bytes);
#endif

/** gait_heap_create for a program that was built with the headers of a release, whose inline
 * functions have compiled in what a number says: gait/frozen.h. Those of another layout get no
 * heap, and the line says so. */
GAIT_API gait_heap *gait_heap_create_built(const gait_config *config, uint32_t frozen,
                                           const char *version, char *error, size_t error_bytes);

/**
 * Destroy a heap: its memory goes back to the OS, finalizers and cleanups that are pending do not
 * run. Every mutator must have been detached, except the caller's own, which is detached here.
 *
 * Thread rule: any thread; no other thread may use the heap any more. A safepoint in the other
 * heaps that it is attached to.
 */
GAIT_API void gait_heap_destroy(gait_heap *heap);

/* ------------------------------------------------------------------------------------------ */
/* Kinds                                                                                      */

/** How the references of an object lie in it. */
typedef enum gait_layout {
    GAIT_LEAF,         /* no references: contents are never looked at                            */
    GAIT_REFS,         /* every word may hold a reference                                        */
    GAIT_PREFIX,       /* the first head_words words may                                         */
    GAIT_BITMAP,       /* word i may, if bit i of bitmap is set (head_words bits); the rest not  */
    GAIT_REPEAT,       /* head_words words described by bitmap, then elements of element_words
                          words, each described by element_bitmap, to the end of the object      */
    GAIT_CALLBACK,     /* scan() visits the references                                           */
    GAIT_CONSERVATIVE, /* every word may be a reference, or point inside an object               */
    GAIT_WEAK,         /* head_words strong words, then words that do not keep their targets
                          alive: set to 0 when the target is collected                           */
    GAIT_EPHEMERON,    /* head_words strong words, then pairs (key, value): the value is kept
                          alive only while the key is; both set to 0 when the key is collected   */
    GAIT_TAGGED        /* as GAIT_REPEAT, and words of each element that tag_rules name hold a
                          reference where a byte of the element, their tag, says so              */
} gait_layout;

/**
 * Of each element of a GAIT_TAGGED object: a word that holds a reference if the value of a byte is
 * among tag_references. Both are counted from the element's start.
 *
 * The word and its tag are two stores, and the collector may look between them. So they are written
 * by gait_store_tagged (of a fresh object: gait_init_tagged), and a tag is never changed alone: a
 * word that becomes a reference, or ceases to be one, is stored to.
 */
typedef struct gait_tag_rule {
    uint16_t word;     /* its index                                                              */
    uint16_t tag_byte; /* the byte's offset                                                      */
} gait_tag_rule;

#define GAIT_TAG_RULES_MAX 64

/**
 * Visit the references of an object by gait_visit… calls. Runs on collector and mutator threads,
 * several at once, beside the running program: it reads the object's words once each, must bear an
 * object some or all of whose words are still zero, allocates nothing, and calls nothing else of
 * this library. The object need not be reachable, and may be one whose finalizer has run: what it
 * leads to outside the heap is there as long as the object refers to it. A large object is not
 * scanned in parts, as those of other layouts are: a mutator that helps to mark lets others wait
 * until the call is over.
 *
 * @param object_bytes  the size of the object's cell: at least what was asked for.
 */
typedef void (*gait_scan_fn)(gait_visitor *visitor, void *object, size_t object_bytes, void *data);

typedef struct gait_kind_info {
    const char *name;        /* for profiles; copied; bytes that are no UTF-8 become ?          */
    gait_layout layout;      /*                                                                 */
    uint32_t head_words;     /* see gait_layout                                                 */
    const uint64_t *bitmap;  /* BITMAP, REPEAT: (head_words + 63) / 64 words of bits; copied;
                                NULL except with BITMAP: no word of the head is a reference        */
    uint32_t element_words;  /* REPEAT, TAGGED: 1 .. 64                                         */
    uint64_t element_bitmap; /* the same: bit i: word i of each element may hold a reference      */
    gait_scan_fn scan;       /* CALLBACK                                                        */
    void *scan_data;         /* CALLBACK: handed to scan                                        */
    const uint64_t *interior; /* BITMAP, REPEAT, TAGGED: word i of the head, if bitmap has it, may
                                 also point inside an object; as bitmap; NULL: no word may       */
    uint64_t
        element_interior; /* REPEAT, TAGGED: the same of an element's words, also tagged ones */
    const gait_tag_rule *tag_rules; /* TAGGED: tag_rule_count of them; copied                    */
    uint32_t tag_rule_count;        /* TAGGED: 1 .. GAIT_TAG_RULES_MAX                           */
    uint64_t tag_references[4];     /* TAGGED: bit t of these 256: a tag of value t means that the
                                       word holds a reference                                     */
    gait_word cleared; /* what weak words, keys and links in its objects read as, and hold, once
                          cleared: 0, or a word that leads nowhere, such as a table's tombstone */
    uint32_t raw; /* LEAF: not 0: objects are not zeroed, but hold what lay there, of any object;
                     for programs that write each byte before they read it */
} gait_kind_info;

/** gait_kind_register for a structure of so many bytes. */
GAIT_API int gait_kind_register_sized(gait_heap *heap, const gait_kind_info *info,
                                      size_t info_bytes);

#ifdef GAIT_IN_LIBRARY
GAIT_API int gait_kind_register(gait_heap *heap, const gait_kind_info *info);
#else
/**
 * Register a kind.
 *
 * @return the kind (0 or more); GAIT_E_INVALID when *info contradicts itself, or has a field that
 *         is newer than the library and not 0; GAIT_E_FULL after
 *         GAIT_KINDS_MAX kinds, GAIT_E_MEMORY.
 *
 * Thread rule: any thread, attached or not. Kinds are never unregistered.
 */
GAIT_INLINE int gait_kind_register(gait_heap *heap, const gait_kind_info *info) {
    return gait_kind_register_sized(heap, info, sizeof *info);
}
#endif

/** The largest displacement, bytes. */
#define GAIT_DISPLACEMENT_MAX 4088

/**
 * Have a word that leads so many bytes into an object count as a reference to it, wherever a word
 * may hold a reference (roots and weak words, keys and values included): for programs whose
 * references point behind a header, or between two halves. What the value mask drops is dropped
 * before. Displacements are of the whole heap, are never taken back, and hold for words that are
 * stored after the call.
 *
 * @param bytes  a multiple of 8 up to GAIT_DISPLACEMENT_MAX; tags in lower bits are the mask's.
 * @return 0, GAIT_E_INVALID.
 *
 * Functions that are given an object go on to take its first byte. Thread rule: any thread.
 */
GAIT_API int gait_displacement_add(gait_heap *heap, size_t bytes);

/** Visit one word that may hold a reference. Only within a scan or root callback, which has read
 * it: by an atomic load where another thread may store to it meanwhile, or by gait_visit_range. */
GAIT_API void gait_visit(gait_visitor *visitor, gait_word word);

/** Visit count words from words on, which it loads atomically. Only within a scan or root callback.
 */
GAIT_API void gait_visit_range(gait_visitor *visitor, const gait_word *words, size_t count);

/** Visit count words, each of which may also point inside an object. Only within a callback. */
GAIT_API void gait_visit_conservative(gait_visitor *visitor, const gait_word *words, size_t count);

/* ------------------------------------------------------------------------------------------ */
/* Mutators                                                                                   */

/**
 * Attach the calling thread to a heap. A thread may be attached to several heaps, to each once: a
 * second call returns the same mutator.
 *
 * A thread may end attached, by returning, pthread_exit or cancellation, with frames pushed, in
 * native code or not. The library hears of it by a thread-specific destructor, which is the first
 * to run, in each round of them. In the first round it ends native regions and drops the thread's
 * roots, since the functions that had them have ended. The program's own destructors of that round
 * find the thread attached and running: they may use its mutators, push frames and allocate. In the
 * second round the thread is detached from all heaps; a mutator that is used afterwards is a
 * detached one, and stops the process. A destructor of that round may attach anew; it is detached
 * in the third one, from which on gait_attach returns NULL. (C++: destructors of thread_local
 * objects run before all of them; they touch no object if the thread may end inside native code or
 * below frames.)
 *
 * @return the mutator, or NULL: gait_attach_explained says why.
 * Thread rule: any thread, in native code of other heaps or not. A safepoint in the other heaps
 * that it is attached to.
 */
GAIT_API gait_mutator *gait_attach(gait_heap *heap);

/**
 * The same, and when it returns NULL a line says why: no memory; in a heap that scans C stacks, a
 * stack of which the system does not say where it lies; the last round of destructors of a thread.
 *
 * @param error        where the line is written; may be NULL.
 * @param error_bytes  room at error, bytes.
 */
GAIT_API gait_mutator *gait_attach_explained(gait_heap *heap, char *error, size_t error_bytes);

/** Detach the calling thread: its roots are dropped. The mutator is gone after the call. A
 * safepoint in the other heaps that the thread is attached to. */
GAIT_API void gait_detach(gait_mutator *mutator);

/** The calling thread's mutator in this heap, or NULL when it is not attached. */
GAIT_API gait_mutator *gait_current(gait_heap *heap);

/** The heap of a mutator. */
GAIT_API gait_heap *gait_mutator_heap(gait_mutator *mutator);

/**
 * Enter native code: until gait_leave_native of the same mutator no collector waits for this
 * thread, and each may scan its roots at any time. It counts in all heaps in which the thread runs,
 * and the thread touches no object of them meanwhile. A heap that it is attached to later, within,
 * is not concerned. Regions of several heaps may overlap in any order: each mutator runs again when
 * its own region, if any, and the one that it was taken along by have ended. Of one mutator they
 * don't nest. A safepoint.
 *
 * A thread may end in there, even cancelled: the collectors scan copies of its frames, made here,
 * which costs as much as what was pushed since the last time. Of the words that the frames name,
 * those on the thread's own C stack may be gone by then; others, and the data of its root callback,
 * stay until the thread is detached, or has been out of native code and dropped them: a cleanup
 * handler of pthread_cleanup_push that frees them calls gait_leave_native first.
 */
GAIT_API void gait_enter_native(gait_mutator *mutator);

/** Leave native code. A safepoint: waits while a collector has its world stopped. A mutator that
 * another heap's region took along stays in native code until that one ends. */
GAIT_API void gait_leave_native(gait_mutator *mutator);

/**
 * In a heap with gait_config.stop and GAIT_CONSERVATIVE_STACKS: this mutator's thread was stopped,
 * and its C stack is to be scanned from stack_top on. Its registers lie beyond, as in the frame of
 * a signal's handler. A thread that does not call it, and is not in native code, is not scanned;
 * nor is one that was stopped on another C stack than the one that the mutator runs on.
 *
 * Thread rule: the stopped thread, in the handler of the signal that stops it, before stop knows
 * that it stands still: it is safe at any instruction. Or any thread, within stop.
 */
GAIT_API void gait_stopped_at(gait_mutator *mutator, void *stack_top);

/* ------------------------------------------------------------------------------------------ */
/* Allocation: gait_alloc, _alloc_aligned and _realloc are in inline.h                        */

/**
 * The kind of an object, its cell's size in bytes, and the object that an address lies in.
 *
 * gait_object_base returns NULL for an address that lies in no allocated cell; the other two
 * stop the process for an address that is not an object's.
 * Thread rule: an attached thread.
 */
GAIT_API gait_kind gait_object_kind(gait_heap *heap, const void *object);
GAIT_API size_t gait_object_bytes(gait_heap *heap, const void *object);
GAIT_API void *gait_object_base(gait_heap *heap, const void *address);

/**
 * Free an object that the program knows to be dead: what it knew by a count of references, or since
 * nothing but its own table led there. For buffers and arrays that are replaced; all else is the
 * collector's. Not a safepoint.
 *
 * Where no cycle marks, a cell is used again by the next allocation of its kind and size that needs
 * memory, and the pages of an object over 32 KiB are free at once. While one marks, or settles weak
 * words, the object only stays to be found by a cycle, as if it had been dropped: what it refers to
 * may be alive by it alone as far as marking goes (docs/design/heap.md). The same holds for cells
 * among which another thread allocates at that moment, and for those of a span where an object has,
 * or had, a finalizer, a cleanup or another record that the library keeps.
 *
 * Its finalizer is dropped, and does not run; its cleanups run as ever, after the next cycle. Weak
 * words, keys and values are the program's, as all references are: clear them before. A word that
 * goes on to hold the address refers to whatever is there later, or to nothing.
 *
 * @param object  an object of this heap that was reachable until now. An address that is none, the
 *                inside of one, another heap's, an arena's and one that was freed stop the process
 *                with one line; one that has a new object since can't be known. (One that was only
 *                left to a cycle is known again by a library that is built with checks.)
 * Thread rule: an attached thread; no other one uses the object any more.
 */
GAIT_API void gait_free(gait_mutator *mutator, void *object);

/**
 * Called when an allocation failed after a full collection. May allocate: what fails within it
 * gives NULL, and calls no handler. May be left by longjmp (gait_frames_restore): the next
 * allocation that fails calls it again.
 * @return true to try once more (memory has been given back), false to let it return NULL.
 */
typedef bool (*gait_oom_fn)(gait_mutator *mutator, size_t bytes, void *data);

/** Set or (NULL) remove the heap's out-of-memory handler. Thread rule: any thread. */
GAIT_API void gait_set_oom_handler(gait_heap *heap, gait_oom_fn handler, void *data);

/* ------------------------------------------------------------------------------------------ */
/* Roots. Shadow-stack frames are in inline.h.                                                */

/**
 * Make words of the program's own memory roots: static slots. They are stored to by gait_store.
 * @return 0, GAIT_E_INVALID (not aligned to a word), GAIT_E_MEMORY.
 * Thread rule: an attached thread. What the slots hold at the call is kept from then on. Takes time
 * with count, and so does gait_roots_remove: gait_roots_add_range is for large memory.
 */
GAIT_API int gait_roots_add(gait_mutator *mutator, gait_word *slots, size_t count);

/** Take back a gait_roots_add of the same first slot. @return 0, GAIT_E_MISSING. */
GAIT_API int gait_roots_remove(gait_mutator *mutator, gait_word *slots);

/**
 * Make a range of memory roots: of any length, scanned in pieces by all markers. Exact: each word
 * may hold a reference. GAIT_RANGE_CONSERVATIVE: it may also point inside an object; bytes at the
 * ends that fill no word are left out. Both are stored to as static slots are: by gait_store, or by
 * plain stores in a heap created with GAIT_STOP_THE_WORLD.
 * @return 0, GAIT_E_INVALID (flags; exact, and not aligned to words), GAIT_E_MEMORY.
 * Thread rule: an attached thread. A safepoint. What the range holds at the call is kept from then
 * on.
 */
enum { GAIT_RANGE_CONSERVATIVE = 1 << 0 };
GAIT_API int gait_roots_add_range(gait_mutator *mutator, void *low, size_t bytes, uint32_t flags);

/**
 * Take back the last gait_roots_add_range of this address. A safepoint. When it has returned, the
 * memory is read no more, and may be freed.
 * @return 0, GAIT_E_MISSING.
 */
GAIT_API int gait_roots_remove_range(gait_mutator *mutator, void *low);

/**
 * A handle: one root slot owned by the library, usable by every attached thread.
 * gait_handle_new returns NULL when there is no memory. A handle that is free already stops the
 * process.
 */
GAIT_API gait_handle *gait_handle_new(gait_mutator *mutator, gait_word value);
GAIT_API gait_word gait_handle_get(const gait_handle *handle);
GAIT_API void gait_handle_set(gait_mutator *mutator, gait_handle *handle, gait_word value);
GAIT_API void gait_handle_free(gait_mutator *mutator, gait_handle *handle);

/**
 * Visit a mutator's own roots, such as an interpreter's value stack. Runs on that mutator's
 * thread, or on another one while the mutator is in native code; the rules of gait_scan_fn hold.
 */
typedef void (*gait_roots_fn)(gait_visitor *visitor, void *data);

/**
 * Set or (NULL) remove the calling mutator's root callback. It is the thread's: it stays, and is
 * visited beside a coroutine's own callback, whichever coroutine runs on the thread, and inside
 * which of them it was set.
 */
GAIT_API void gait_set_roots_callback(gait_mutator *mutator, gait_roots_fn visit, void *data);

/**
 * A coroutine: roots of a stack that is not running now. It has a shadow stack of its own, a root
 * callback (may be NULL), and, in a heap with GAIT_CONSERVATIVE_STACKS, a C stack [low, high).
 * Both NULL: it runs on the thread's. In other heaps they are not looked at. Code that is at a
 * safepoint on a C stack that such a heap does not know (another coroutine's, a signal stack)
 * stops the process with one line; a thread attached to several heaps announces it to each of them.
 *
 * While it runs its roots are stored to by plain stores. While it is suspended they are stored to
 * as static slots are: by gait_store, also to clear them; and code that takes a word out of them
 * without clearing them calls gait_shade with it. GAIT_DEBUG=gccheckmark=1 names stores that were
 * not.
 *
 * @return NULL when there is no memory.
 * Thread rule: an attached thread. A coroutine runs on one mutator at a time.
 */
GAIT_API gait_coroutine *gait_coroutine_new(gait_mutator *mutator, gait_roots_fn visit, void *data,
                                            void *stack_low, void *stack_high);

/**
 * Say that this thread goes on as `to` (NULL: as the thread itself). Called just before the
 * switch of C stacks, with no safepoint in between. The roots of what ran until now are scanned,
 * from here on, as those of a suspended coroutine. Not a safepoint, but may scan `to` when a
 * collection is marking.
 */
GAIT_API void gait_coroutine_switch(gait_mutator *mutator, gait_coroutine *to);

/**
 * Free a coroutine that is not running. Its roots are visited a last time: its callback's data, its
 * frames and its C stack are freed after it. What was read out of them since it stopped stays
 * alive. Not a safepoint.
 */
GAIT_API void gait_coroutine_free(gait_mutator *mutator, gait_coroutine *coroutine);

/* ------------------------------------------------------------------------------------------ */
/* Weak references and ephemerons: slots inside objects of kinds GAIT_WEAK and GAIT_EPHEMERON  */

/**
 * Read a weak word or a key: the word, or 0 (its kind's `cleared`) if its target was collected. Not
 * a safepoint. While a collection marks, a thread that reads many whose targets nothing else has
 * led to yet waits for the marking of these: as a rule 0.1 ms at most for each 512 of them.
 */
GAIT_API gait_word gait_weak_get(gait_mutator *mutator, const gait_word *slot);

/** Store a weak word. The target need not be reachable from the object. */
GAIT_API void gait_weak_set(gait_mutator *mutator, gait_word *slot, gait_word value);

/** Read the value of the pair at pair[0..1]: 0 if its key was collected. */
GAIT_API gait_word gait_ephemeron_get(gait_mutator *mutator, const gait_word *pair);

/** Store a pair. */
GAIT_API void gait_ephemeron_set(gait_mutator *mutator, gait_word *pair, gait_word key,
                                 gait_word value);

/* ------------------------------------------------------------------------------------------ */
/* Finalizers and cleanups: queued by a collection, run only by gait_run_finalizers            */

/** Run with the object, which is reachable once more, for this call or for longer. May be left by
 * longjmp, as a cleanup may (gait_frames_restore): it counts as run. */
typedef void (*gait_finalizer_fn)(gait_mutator *mutator, void *object, void *data);

/** Run after the object is gone. */
typedef void (*gait_cleanup_fn)(gait_mutator *mutator, void *data);

/**
 * Have finalize queued, once, when a collection finds the object unreachable. What the object
 * refers to stays alive until then, so objects that reach themselves are never finalized.
 * A second call for the same object replaces the first; NULL removes it. As gait_finalizer_replace
 * without flags.
 * @return 0, GAIT_E_INVALID (not an object), GAIT_E_MEMORY, GAIT_E_MISSING (nothing to remove).
 */
GAIT_API int gait_finalizer_set(gait_mutator *mutator, void *object, gait_finalizer_fn finalize,
                                void *data);

/** Flags of a finalizer. Without any it is ordered: an object is finalized after all that lead to
 * it were finalized and are gone, whatever finalizers these have. */
enum {
    /* whatever else is being finalized and leads to it, itself too: objects in cycles are
     * finalized, several of them by the same collection. What the object leads to comes back with
     * it; weak words to any of that were cleared before */
    GAIT_FINALIZER_UNORDERED = 1 << 0,
    /* ordered, but that references from the object to itself, in words of its own, don't count */
    GAIT_FINALIZER_IGNORE_SELF = 1 << 1,
    /* as unordered, but nothing dies: weak words, keys and links lead to the object until it is
     * unreachable without such a finalizer. Others wait for what leads to their objects */
    GAIT_FINALIZER_RESURRECT = 1 << 2
};

/**
 * Set, replace or (NULL) remove an object's finalizer, and say what it had.
 *
 * @param flags     GAIT_FINALIZER_…, 0 if finalize is NULL.
 * @param old       where the function before is written, NULL: there was none. May be NULL.
 * @param old_data  where its data is written. May be NULL.
 * @return 0, GAIT_E_INVALID (not an object; flags), GAIT_E_MEMORY, GAIT_E_MISSING (nothing to
 *         remove). One that is queued counts no more.
 */
GAIT_API int gait_finalizer_replace(gait_mutator *mutator, void *object, gait_finalizer_fn finalize,
                                    void *data, uint32_t flags, gait_finalizer_fn *old,
                                    void **old_data);

/** Read an object's finalizer; each place may be NULL. @return 0, GAIT_E_MISSING: it has none, or
 * one that is queued. */
GAIT_API int gait_finalizer_get(gait_mutator *mutator, const void *object,
                                gait_finalizer_fn *finalize, void **data, uint32_t *flags);

/**
 * Have cleanup queued when the object is gone. Several may be added to one object; an object in a
 * cycle is cleaned up too. data must not lead to the object.
 * @return 0, GAIT_E_INVALID, GAIT_E_MEMORY.
 */
GAIT_API int gait_cleanup_add(gait_mutator *mutator, void *object, gait_cleanup_fn cleanup,
                              void *data);

/** Remove all cleanups of object with this function and data. @return how many were removed. */
GAIT_API size_t gait_cleanup_cancel(gait_mutator *mutator, void *object, gait_cleanup_fn cleanup,
                                    void *data);

/** Run at most max queued finalizers and cleanups, and before them notices (gait_set_notice). A
 * safepoint. In the child of a fork, what another thread was running is over, and not run again.
 * @return how many ran. */
GAIT_API size_t gait_run_finalizers(gait_mutator *mutator, size_t max);

/**
 * Run the finalizers of all objects, reachable or not, at the end of a program: first what is
 * queued, then all others, in the reverse order in which objects got them (to replace one keeps its
 * place). All objects are there until the last has run. A finalizer that is set meanwhile is not
 * run; cleanups, except those that were queued, are not: their objects are not gone. A safepoint;
 * waits, in native code, for a cycle that is under way.
 * @return how many jobs ran, notices included.
 */
GAIT_API size_t gait_finalize_all(gait_mutator *mutator);

/**
 * Wait, in native code, until there is one to run. @return false after timeout_ns (negative:
 * no timeout) or gait_stop_finalizers. A safepoint.
 */
GAIT_API bool gait_wait_finalizers(gait_mutator *mutator, int64_t timeout_ns);

/** Wake every thread out of gait_wait_finalizers. Thread rule: any thread. */
GAIT_API void gait_stop_finalizers(gait_heap *heap);

/* ------------------------------------------------------------------------------------------ */
/* The version. Cycles and settings are in control.h                                          */

/** The release that the headers are of, and that of the library that runs. */
#define GAIT_VERSION "0.1.0"
GAIT_API const char *gait_version(void);

#ifdef __cplusplus
}
#endif

#include <gait/control.h>
#include <gait/inline.h>

#endif
