/* SPDX-License-Identifier: MIT */
/* What managers without barriers and with the C stack for roots have in common. */
typedef char shim_thread; /* nothing to hold, but never NULL */

#define SHIM_EXACT false

static shim_thread *shim_attach(void) {
    static shim_thread all;
    return &all;
}

static void shim_detach(shim_thread *thread) { (void)thread; }
static void shim_block(shim_thread *thread) { (void)thread; }
static void shim_unblock(shim_thread *thread) { (void)thread; }
static void shim_poll(shim_thread *thread) { (void)thread; }
static void shim_init(word *slot, word value) { *slot = value; }

static void shim_store(shim_thread *thread, word *slot, word value) {
    (void)thread;
    *slot = value;
}

static void shim_move(shim_thread *thread, word *to, const word *from, size_t count) {
    (void)thread;
    memmove(to, from, count * sizeof *to);
}

static void shim_fill(shim_thread *thread, word *to, word value, size_t count) {
    (void)thread;
    for (size_t i = 0; i < count; i++)
        to[i] = value;
}

static bool shim_exchange(shim_thread *thread, word *slot, word *expected, word desired) {
    (void)thread;
    return __atomic_compare_exchange_n(slot, expected, desired, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

static void shim_globals(shim_thread *thread, word *slots, size_t count) {
    (void)thread, (void)slots, (void)count;
}

#define SHIM_FRAME(thread, name, count) word name[count] = {0}
#define SHIM_FRAME_END(thread, name) (void)(thread)
