/* SPDX-License-Identifier: MIT */
/*
 * The whole contract with the operating system. Nothing outside this folder includes an OS header.
 *
 * Results: 0 or negative; a function that returns a pointer returns NULL on failure. Every call
 * that takes memory, a thread or another resource can be made to fail by a test: fault.h.
 * Thread rule: any thread, under any lock, unless said otherwise. errno is not preserved.
 */
#ifndef GAIT_PLATFORM_H
#define GAIT_PLATFORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* ---- Memory. Addresses and sizes are multiples of platform_page_bytes(). ------------------- */

/** The OS page size, bytes: a power of two, at most 64 KiB. */
size_t platform_page_bytes(void);

/** Reserve addresses, not accessible, that cost no memory. alignment: a power of two, any size. */
void *platform_reserve(size_t bytes, size_t alignment);

/** Give a whole reservation, or a whole platform_map, back. Never fails. */
void platform_unreserve(void *start, size_t bytes);

/**
 * Make reserved addresses readable and writable; they read as zero. Committing again keeps what
 * they hold. @return negative: no memory; then any part of the range may be committed.
 */
int platform_commit(void *start, size_t bytes);

/**
 * Give the memory behind committed addresses back, at once; they stay usable and read as zero.
 * @return negative: refused (such as locked pages); then each page is as before, or zero.
 */
int platform_release(void *start, size_t bytes);

/**
 * Make committed addresses inaccessible: a touch faults. They keep what they hold, and
 * platform_commit makes them accessible again. @return negative: refused; then any part of the
 * range may be inaccessible.
 */
int platform_protect(void *start, size_t bytes);

/**
 * Which of these committed pages are in memory: pages[i] is 1 for the i-th page of
 * platform_page_bytes(), else 0. Others may be zero and never touched, or swapped out.
 * @return negative: the OS does not say.
 */
int platform_pages_in_memory(const void *start, size_t bytes, unsigned char *pages);

/** Commit and reserve in one: zeroed, readable, writable memory. Freed by platform_unreserve. */
void *platform_map(size_t bytes);

/** The same of any size; *mapped: how many bytes that is, for platform_unreserve. */
void *platform_map_some(size_t bytes, size_t *mapped);

/** As platform_map; most of it is never touched: no part of what the OS promises to have. */
void *platform_map_sparse(size_t bytes);

/** Ask the OS for small pages only behind these addresses (option disablethp). A hint. */
void platform_disable_thp(void *start, size_t bytes);

/* ---- NUMA nodes. -----------------------------------------------------------------------------
 */

/** Which nodes have memory, as the kernel writes such lists: "0-1,4"; "0" where it lists none.
 * Cut to the room. Reads a file. */
void platform_nodes(char *list, size_t list_bytes);

/** Is this one of them? */
bool platform_has_node(int node);

/**
 * Have the memory behind reserved or committed addresses taken from one node, and move what is in
 * memory already, as far as that is this process's alone; -1: from any node, as before.
 * @return negative: there is no such node, or the OS refuses; then the addresses are as before.
 */
int platform_bind(void *start, size_t bytes, int node);

/* ---- Time, ns. ------------------------------------------------------------------------------ */

int64_t platform_now_ns(void);         /* monotonic */
int64_t platform_thread_cpu_ns(void);  /* CPU time of the calling thread */
int64_t platform_process_cpu_ns(void); /* CPU time of the process; of a thread that runs on another
                                          CPU, up to its last tick (4 ms on most kernels) */

int64_t platform_time_ns(void); /* since 1970 */

/** The calling thread's CPU clock, for other threads; -1: it has none. */
int platform_thread_clock(void);

/** CPU time of the thread with that clock; -1: it has ended, or has none. */
int64_t platform_clock_cpu_ns(int clock);

/** The system's number of a thread, by that clock; -1: not known. */
int platform_clock_thread(int clock);

/** Have the CPU time of that thread, up to now, in platform_process_cpu_ns. One that has ended has
 * it there. */
void platform_settle_cpu(int clock);

/** The moment by platform_now_ns that is so far ahead; INT64_MAX when it is beyond that, or the
 * wait is negative: without end. INT64_MAX less any moment is a wait again. */
int64_t platform_deadline_ns(int64_t wait_ns);

/* ---- The machine. --------------------------------------------------------------------------- */

/**
 * CPUs that the process may use: those of the calling thread's affinity mask, at most the cgroup's
 * quota (v1 and v2, the lowest of the path) rounded up; at least 1. Reads files.
 */
int platform_cpus(void);

/** The two parts of it: the calling thread's affinity mask, which takes a microsecond; and the
 * quota, where it is less than so many CPUs, which takes some 150. */
int platform_affinity_cpus(void);
int platform_quota_cpus(int cpus);

/**
 * The cgroup's memory limit (v1 and v2, the lowest of the path), at most physical memory; bytes.
 * 0 when the OS says neither. Reads files.
 */
int64_t platform_memory_bytes(void);

/** The machine's memory, bytes, whatever the cgroup lets the process have of it; 0 when the OS does
 * not say. */
int64_t platform_physical_bytes(void);

/** Resident memory of the process, bytes; 0 when the OS does not say. Reads a file. */
int64_t platform_resident_bytes(void);

/** What the kernel says of the process; 0: it does not. Reads files; takes no memory. */
struct platform_process {
    int64_t resident_bytes, virtual_bytes;
    int64_t threads;
    int64_t start_ns; /* since 1970 */
    int64_t open_files;
    uint64_t most_files; /* that may be open */
};
void platform_process_figures(struct platform_process *process);

/** The process's number. */
unsigned platform_process_id(void);

/** The folder in which the process is. @return false: it has no name of so many bytes; "". */
bool platform_working_folder(char *name, size_t name_bytes);

/** What the system calls the program, at most 15 bytes of it; "" where it does not say. Reads a
 * file. */
void platform_program_name(char *name, size_t name_bytes);

/* ---- The environment. ----------------------------------------------------------------------- */

/** Does the process have rights that who started it has not (set-uid and its like)? */
bool platform_is_privileged(void);

/** A variable, the only way in which the library reads one. NULL: there is none, it is empty, or
 * the process is privileged: who started it could have it write files, print, or take all memory.
 */
const char *platform_environment(const char *name);

/* ---- Threads. -------------------------------------------------------------------------------- */

struct platform_thread {
    uintptr_t handle;
    void (*run)(void *); /* this and what follows: read by the thread as it begins */
    void *argument;
    char name[16];
    unsigned begun; /* atomic, waited on by the one that starts it */
};

/**
 * Start a thread with all signals blocked and a small stack (256 KiB). name: copied, cut after 15
 * characters. Returns when the thread runs: it is past what the C library, or a sanitizer, does for
 * a new thread, so that a fork that comes later does not leave that half done. Starting takes and
 * frees no memory of malloc on the new thread, for which the C library would reserve 64 MiB of
 * addresses.
 * @return negative: none.
 */
int platform_thread_start(struct platform_thread *thread, void (*run)(void *), void *argument,
                          const char *name);

/** Wait for the end of a thread, once. Not in the child of a fork, where the thread is no more. */
void platform_thread_join(struct platform_thread *thread);

/** In place of that: let a thread end by itself, whenever that is. */
void platform_thread_detach(struct platform_thread *thread);

/** Let the calling thread run only on CPUs that nothing else wants, from now on. A hint. */
void platform_thread_idle_priority(void);

#define PLATFORM_THREAD_NAME_BYTES 32

/** The name of a thread of this process by the system's number. @return false: it has ended. */
bool platform_thread_name(int thread, char name[PLATFORM_THREAD_NAME_BYTES]);

/**
 * The calling thread's own C stack: [*low, *high), on which it may run. Of the first thread's, low
 * is where it may grow to; neither /proc nor a descriptor is needed. @return negative: not known.
 */
int platform_stack_bounds(void **low, void **high);

/**
 * Put off a cancellation of the calling thread (pthread_cancel) until it is restored: a thread that
 * ended in the middle of the library would leave counters raised and locks held. platform_sleep_ns
 * does it by itself, and nothing else that the library calls while it holds something is a
 * cancellation point; calls of files and of the embedder's functions may be.
 */
int platform_hold_cancellation(void);
void platform_restore_cancellation(int before);

/** Sleep for ns, signals or not. Nothing when ns is not positive. No point of cancellation. */
void platform_sleep_ns(int64_t ns);
void platform_yield(void);

/** Let the other thread of the core go on for a moment: for a short wait without the OS. */
static inline void platform_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

/** Have hook(value) called when a thread exits whose value for the key is not NULL. */
typedef struct platform_key {
    unsigned handle;
} platform_key;

/** So often a hook may run for a thread that sets the value anew each time. There is one more
 * round, but by then ThreadSanitizer may have ended its own part of the thread. */
#define PLATFORM_KEY_ROUNDS 3

/** The hook may be NULL. It runs on the exiting thread, whose value for the key is NULL by then. */
int platform_key_create(platform_key *key, void (*hook)(void *value));

/** Hooks of this key run no more. */
void platform_key_delete(platform_key *key);

/** The calling thread's value. Setting NULL never fails. */
int platform_key_set(platform_key *key, void *value);
void *platform_key_get(const platform_key *key);

/* ---- Waiting on a 32-bit word (futex). --------------------------------------------------------
 */

/**
 * Sleep while *word == expected, at most timeout_ns (negative: no bound). May wake without cause.
 * The caller reads the word again, with acquire order, after the call.
 */
void platform_wait(volatile uint32_t *word, uint32_t expected, int64_t timeout_ns);

/** Wake up to count threads that wait on word. The caller has stored the word before. */
void platform_wake(volatile uint32_t *word, int count);

/* ---- Libraries. -------------------------------------------------------------------------------
 */

/**
 * A function of a shared library, which is loaded for good. library NULL: of those that the program
 * has. @return NULL: there is none; *why then says so, if why is not NULL.
 */
void (*platform_find_function(const char *library, const char *function, const char **why))(void);

/* ---- The stack. -------------------------------------------------------------------------------
 */

/**
 * The addresses to which the functions return that the calling thread is in, the youngest first,
 * from the one that returns to from on. @return how many: 0 if the unwinder doesn't come to it.
 */
size_t platform_unwind(uintptr_t *addresses, size_t most, const void *from);

/* ---- Descriptors of the library's own, which a fork's child closes. ----------------------------
 */

/** A descriptor, and the file that it was of: a program may close what it has not opened, and get
 * its number for another file. */
struct platform_file {
    int number; /* negative: none */
    uint64_t device, inode;
};

/** @return false: the number is no file's. */
bool platform_file_of(int number, struct platform_file *file);

/** Is the number that file's still? */
bool platform_file_is_open(const struct platform_file *file);

/**
 * Begin to open or close some, until platform_own_end: no fork comes between. Within it, calls of
 * the OS only; no lock is taken.
 *
 * @param waits  for the end of a fork that is under way. Not by the thread that forks, and not
 *               where the program's threads stand, of which one may be forking.
 * @return false: a fork is under way, and it has not begun.
 */
bool platform_own_begin(bool waits);
void platform_own_end(void);

/** A descriptor was opened (negative: none was). Within a step. @return it. */
int platform_own(int number);

/** How many there are; others may be opening or closing some. */
size_t platform_own_count(void);

/** Close one; negative: there is none. Within a step. */
void platform_own_close(int number);

/** Before a fork, as the last of what it waits for; after it in the parent; in the child, instead:
 * close them all. */
void platform_own_hold(void);
void platform_own_let_go(void);
void platform_own_lost(void);

/* ---- Files that the library writes. -----------------------------------------------------------
 */

/** Does a stream of the program's write to a file? Not if it is in memory. */
bool platform_stream_is_file(FILE *stream);

/**
 * A descriptor of the caller's own for the file of a stream: what is written by it passes the
 * stream's buffer, and the stream may be closed meanwhile. Not inherited by another program.
 * @return negative: no more descriptors.
 */
int platform_stream_open(FILE *stream);

/**
 * Make a file, or empty an old one of this user, and open it. Never waits for a pipe's reader.
 * Refused, as whoever may write to the folder could have put it there: symbolic links, files of
 * other users or with several names, pipes, sockets. @return the descriptor; negative: *why is set.
 */
int platform_file_create(const char *path, const char **why);

/**
 * Write some of count bytes, after waiting for room at most wait_ns. May all the same wait without
 * a bound, where somebody else takes the room or the disk stands still.
 * @return bytes written; 0: there was no room; negative: it can't be written, errno says why.
 * Thread rule: a thread of the library, where SIGPIPE and SIGXFSZ are blocked.
 */
long platform_file_write(int descriptor, const void *bytes, size_t count, int64_t wait_ns);
void platform_file_close(int descriptor);

/** Write all of it, waiting for room at most wait_ns in all. What can't be written then is not. */
void platform_file_write_all(int descriptor, const void *bytes, size_t count, int64_t wait_ns);

/* ---- Files and pipes of the program's. --------------------------------------------------------
 */

/**
 * Write all of it, for as long as that takes: past signals, short writes and a pipe that is full,
 * blocking or not. Raises no SIGPIPE or SIGXFSZ. @return 0; negative: not all was written, errno
 * says why.
 */
int platform_descriptor_write(int descriptor, const void *bytes, size_t count);

/** Read count bytes in the same way; *done: how many there were. @return 0, also where the file
 * ends before; negative: errno says why. */
int platform_descriptor_read(int descriptor, void *bytes, size_t count, size_t *done);

/** Write all of it in the same way, but give up when there was no room for idle_ns: errno is
 * ETIMEDOUT. Somebody else who takes the room may have it wait longer. */
int platform_descriptor_write_idle(int descriptor, const void *bytes, size_t count,
                                   int64_t idle_ns);

/* ---- fork. ------------------------------------------------------------------------------------
 */

/**
 * Have prepare called before each fork of the process, parent and child after it, all on the
 * thread that forks. For good: once per process. @return negative: not registered.
 */
int platform_at_fork(void (*prepare)(void), void (*parent)(void), void (*child)(void));

/* ---- A copy of the process that reads its memory, and does nothing else. -----------------------
 */

struct platform_child {
    int process;               /* 0: none */
    int report_in, report_out; /* a pipe; -1: closed */
    int64_t *told;             /* in memory that both have */
    void *signals;             /* what was blocked before */
};

/** Can there be one? Not under a sanitizer whose own locks a copy could find taken. */
bool platform_child_can_be(void);

/** Take what one needs. @return negative: no memory, no descriptors. */
int platform_child_prepare(struct platform_child *child);

/**
 * Copy the process, as it is at this moment; handlers of fork do not run. In the copy, which has
 * the calling thread alone, act runs, and what it returns is handed to platform_child_await; the
 * copy then ends. act calls nothing that takes a lock which another thread may have had: not
 * malloc, not stdio. All signals are blocked, and of the descriptors only this one is open. The
 * copy sends its parent no signal as it ends, as far as the system lets one choose.
 * Takes no lock. @return negative: refused, errno says why.
 */
int platform_child_start(struct platform_child *child, int descriptor,
                         int64_t (*act)(struct platform_child *child, void *data), void *data);

/** In the parent: tell the copy a number that is not 0. In the copy: wait for it, a second at most;
 * 0: it did not come. */
void platform_child_tell(struct platform_child *child, int64_t number);
int64_t platform_child_told(struct platform_child *child);

/** Wait at most wait_ns (negative: without end) for what act returned. @return 1: *result is set;
 * 0: not yet; negative: the copy has ended without. */
int platform_child_await(struct platform_child *child, int64_t wait_ns, int64_t *result);

/** Give back what was taken. A copy that goes on is left to itself; its entry in the system's table
 * of processes goes with a later call, or with the process. */
void platform_child_finish(struct platform_child *child);

/** In the child of a fork: what the parent knows of its copies is not this process's. */
void platform_child_forked(void);

/* ---- Data. -------------------------------------------------------------------------------------
 */

/** Addresses [low, high). */
struct platform_range {
    char *low;
    char *high;
};

/**
 * Have visit called for each part of the process's writable data segments that stays writable: of
 * the program itself, or of the libraries that are loaded now, except this one. While a library's
 * are visited the loader's lock is held: none is unloaded, and visit waits for no thread that may
 * load or unload one. Thread-local variables are in no data segment.
 */
void platform_data_segments(bool libraries, void (*visit)(void *data, struct platform_range range),
                            void *data);

/** The file of the program's, or of a library's, that an address belongs to, without its folder,
 * and how far from its begin. Takes the loader's lock. @return false: it belongs to none. */
bool platform_module(const void *address, char *name, size_t name_bytes, uintptr_t *offset);

/** Run act once, with the lock of the loader's held by which it tells of libraries. */
void platform_with_loader(void (*act)(void *data), void *data);

/* ---- Which pages were written. Addresses and sizes are multiples of platform_page_bytes(). ----
 */

/** Descriptors that the program closed, and whose numbers are other files', are left alone. */
struct platform_watch {
    struct platform_file faults; /* what has stores fault */
    struct platform_file pages;  /* the page tables: opened again where the program closed it */
    int process;
};

/** Have these addresses, which are reserved and stay so, such that the kernel can tell of stores to
 * them. They are the same in each call below, which say how many of them, from the first on.
 * @return negative: the kernel can't, or may not; it has no descriptor then. */
int platform_watch_open(struct platform_watch *watch, void *start, size_t bytes);

/** Not in a stop: it waits for a fork that is under way. */
void platform_watch_close(struct platform_watch *watch);

/** The same of one in whose place another was opened, also in a stop. */
void platform_watch_replace(struct platform_watch *old);

/** From here on, note which pages of some ranges are written, also by the kernel in the program's
 * name.
 * Not seen: devices that write to memory which was handed to them before. The first store to each
 * page faults in the kernel, and goes on. @return negative: not possible: never again without a new
 * watch, as in a fork's child; or now, for want of a descriptor. */
int platform_watch(struct platform_watch *watch, const struct platform_range *ranges, size_t count);

/** Have seen called for each run of pages that may have been written since platform_watch, or since
 * this was called last; from then on they are noted anew. What is read of a page afterwards is
 * what was stored before it was seen, or the page is seen again. @return negative: not possible;
 * some may have been seen. */
int platform_written(struct platform_watch *watch, const void *start, size_t bytes,
                     void (*seen)(void *data, struct platform_range range), void *data);

/** The same, and they go on to be noted: what was seen is seen again. */
int platform_written_so_far(struct platform_watch *watch, const void *start, size_t bytes,
                            void (*seen)(void *data, struct platform_range range), void *data);

/** Note no more, so that stores do not fault. */
void platform_unwatch(const struct platform_watch *watch, void *start, size_t bytes);

/* ---- Text of others, such as a path or a variable, on its way to a terminal. -------------------
 */

/** Would this byte steer a terminal, which stands after `before` (0: nothing)? Control characters
 * of ASCII, and those of ISO 6429 above it, alone or in UTF-8; not within other letters of UTF-8.
 */
static inline bool platform_steers(char before, char byte) {
    unsigned char last = (unsigned char)before, now = (unsigned char)byte;
    return now < ' ' || now == 0x7f ||
           (now >= 0x80 && now <= 0x9f && (last < 0x80 || last == 0xc2));
}

/** How many bytes the letter of UTF-8 has that begins here; 0: none does, within so many bytes. */
size_t platform_letter_bytes(const char *at, size_t left);

/* ---- Faults. -----------------------------------------------------------------------------------
 */

/**
 * From now on, when a thread touches memory that it may not (SIGSEGV, SIGBUS), look is asked about
 * the address, on that thread, in the signal handler, on its alternate stack if it has one. True:
 * it has written why; the process is aborted. False: the handler that was there before is called,
 * or the process ends by the signal as it would have. Once per process: a second call does nothing.
 */
void platform_trap_faults(bool (*look)(const void *address));

/* ---- Signals by which a user asks for something. -----------------------------------------------
 */

/** The number of a signal that may be watched, by its name, as SIGUSR1; negative: there is none. */
int platform_asked_number(const char *name, size_t length);

/** Count that signal from now on, for good. A program's own handler is left as it is. @return
 * negative: *why is set. */
int platform_asked_watch(int number, const char **why);

/** How often it came so far. */
unsigned platform_asked_count(int number);

/* ---- The end. ----------------------------------------------------------------------------------
 */

/**
 * Write "gait: …" as one line of at most 511 bytes to stderr and abort; control characters become
 * "?". Waits a second at most for a stderr that nobody reads. For bugs of the caller or of the
 * collector. Takes no lock.
 */
_Noreturn void platform_fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
