/* SPDX-License-Identifier: MIT */
/*
 * A mutator: its safepoint, and the operations that it does between safepoints. In the inlines,
 * `me` is the mutator; i, j and n are its registers, 0 between operations.
 */

/* What may run: not in native code, not stopped. */
#define READY (attached[me] && RUNS(me) && asked[me] != STOPPED)

#ifdef MINOR
/* Give back what is left of a run. Within a d_step. */
inline return_rest(m) {
    allocated = allocated & ~rest[m];
#ifndef GIVE_BACK_KEEPS_MARKS
    marked = marked & ~rest[m];
#endif
    rest[m] = 0
}

inline give_back(m) {
    d_step { return_rest(m) }
}
#endif

inline scan_own(m) {
    shade_set(STACK_SET(STACK(m)));
#ifdef TIED
    if
    :: STACK(m) == 2 -> shade_set(SET(2))
    :: else -> skip
    fi;
#endif
#ifdef STALE /* a word that was no reference, or is none any more */
    if
    :: !HAS(allocated, 4) -> shade_set(SET(4))
    :: else -> skip
    fi;
#endif
    scanned[m] = 1;
#ifdef MINOR
    marked = marked | rest[m];
#endif
#ifdef COROUTINES
    stack_scanned[STACK(m)] = 1;
#endif
}

/* A safepoint. */
inline answer(m) {
#ifdef MINOR
    if
    :: asked[m] == SCAN -> give_back(m) /* a run that was not used */
    :: skip
    fi;
#endif
    d_step {
        if
        :: asked[m] == BARRIER_ON -> barrier[m] = 1; asked[m] = NONE
        :: asked[m] == SYNC -> asked[m] = NONE /* no store from before is under way */
        :: asked[m] == SCAN -> scan_own(m); asked[m] = NONE
        :: asked[m] == FLUSH -> flush(m); asked[m] = NONE
        :: asked[m] == STOP ->
#ifndef NO_TERMINATION_FLUSH
            flush(m);
#endif
            asked[m] = STOPPED
#ifdef WEAK
        :: asked[m] == SETTLED -> settling[m] = 0; asked[m] = NONE
#endif
        :: else -> skip /* answered by another: only without the lock */
        fi;
        check()
    }
}

/* The buffer may be full. */
inline may_flush() {
    if
    :: flush(me)
    :: skip
    fi
}

/* Slots differ in their contents only: keep them sorted, so that there are fewer states. */
inline sort_slots() {
#ifndef NATIVE /* there, root by root, the order tells */
    if
    :: SLOT(me, 0) < SLOT(me, 1) ->
        n = SLOT(me, 0);
        SLOT(me, 0) = SLOT(me, 1);
        SLOT(me, 1) = n;
        n = 0
    :: else -> skip
    fi;
#endif
    i = 0;
    j = 0
}

#ifdef LEAN
#define STATIC 2
inline choose_slot(i) { i = 0 }
inline choose_place(i) { i = STATIC }
#else
/* A root slot. */
inline choose_slot(i) {
    if
    :: i = 0
    :: i = 1
    fi
}

/* The field of the object in a root slot, or the static root. */
#define STATIC 2
inline choose_place(i) {
    if
    :: SLOT(me, 0) -> i = 0
    :: SLOT(me, 1) -> i = 1
    :: i = STATIC
    fi
}
#endif

/* The barrier of a store of `stored` over `old`: both go into the buffer. */
inline shade_store(old, stored) {
    if
    :: barrier[me] ->
#if !defined(NO_DELETION_BARRIER) && !defined(EXCHANGE)
        buffer[me] = buffer[me] | SET(old);
#endif
#ifdef INSERTION_UNTIL_SCANNED
        if
        :: !scanned[me] -> buffer[me] = buffer[me] | SET(stored)
        :: else -> skip
        fi;
#elif !defined(NO_INSERTION_BARRIER)
        buffer[me] = buffer[me] | SET(stored);
#endif
        buffer[me] = buffer[me] & ~marked /* to shade these does nothing */
    :: else -> skip
    fi
}

inline load() {
    choose_place(i);
    choose_slot(j);
    d_step {
        if
        :: i == STATIC -> SLOT(me, j) = global
        :: else -> SLOT(me, j) = field[SLOT(me, i)]
        fi;
        sort_slots();
        check()
    }
}

/* Two steps: another mutator's store to the same place may come in between. */
inline store_shades() {
    choose_place(i);
    choose_slot(j);
    d_step {
        if
        :: i == STATIC -> shade_store(global, SLOT(me, j))
        :: else -> shade_store(field[SLOT(me, i)], SLOT(me, j))
        fi
    }
    may_flush()
}

#ifdef MINOR
inline store_remembers() {
#ifndef STORE_NO_CARD
    d_step {
        dirty = dirty | (i == STATIC -> 0 : SET(SLOT(me, i)));
#ifdef CARD_AFTER_SLOT
        under_way[me] = 0;
        i = 0;
        j = 0;
#endif
        check()
    }
#elif defined(CARD_AFTER_SLOT)
    d_step { under_way[me] = 0; i = 0; j = 0; check() }
#else
    skip
#endif
}
#endif

inline store_writes() {
    d_step {
#ifdef EXCHANGE /* what is shaded is what was there at the store */
        if
        :: barrier[me] && i == STATIC -> buffer[me] = buffer[me] | (SET(global) & ~marked)
        :: barrier[me] && i != STATIC ->
            buffer[me] = buffer[me] | (SET(field[SLOT(me, i)]) & ~marked)
        :: else -> skip
        fi;
#endif
        if
        :: i == STATIC -> global = SLOT(me, j)
        :: else -> field[SLOT(me, i)] = SLOT(me, j)
        fi;
#ifdef CARD_AFTER_SLOT
        under_way[me] = (i == STATIC -> 0 : SET(SLOT(me, i)));
#else
        i = 0;
        j = 0;
#endif
        check()
    }
}

inline drop() {
    choose_slot(j);
    d_step {
        SLOT(me, j) = 0;
        sort_slots()
    }
}

#ifdef ALLOCATION
#ifdef BLACK_BEFORE_SCAN
#define ALLOCATES_BLACK barrier[me]
#else
#define ALLOCATES_BLACK (barrier[me] && scanned[me])
#endif

#ifdef MINOR
#ifdef LARGE
#define FREE (30 & ~allocated & ~making[0] & ~making[1])
#else
#define FREE (30 & ~allocated)
#endif
#define CAN_ALLOCATE (rest[me] || FREE)
#define LOWEST(set) ((set) & -(set))
#define ONLY_OF(set) ((set) == 2 -> 1 : ((set) == 4 -> 2 : ((set) == 8 -> 3 : 4)))

/* The next cell of a run, in n; a new run has up to two. Within a d_step. */
inline take_cell() {
    if
    :: rest[me] == 0 ->
        rest[me] = LOWEST(FREE) | LOWEST(FREE & ~LOWEST(FREE));
        allocated = allocated | rest[me];
        marked = marked | (ALLOCATES_BLACK -> rest[me] : 0)
    :: else -> skip
    fi;
    n = ONLY_OF(LOWEST(rest[me]));
    rest[me] = rest[me] & ~SET(n)
}
#else
#define CAN_ALLOCATE (allocated != 30)

inline take_cell() {
    n = 1;
    do
    :: HAS(allocated, n) -> n++
    :: else -> break
    od;
    allocated = allocated | SET(n);
    if
    :: ALLOCATES_BLACK -> marked = marked | SET(n)
#ifdef WEAK
    :: flipped -> marked = marked | SET(n)
#endif
    :: else -> skip
    fi
}
#endif

/* A new object in slot j, initialised without a barrier by what was in slot i. */
inline alloc() {
    choose_slot(i);
    choose_slot(j);
    d_step {
        take_cell();
        field[n] = SLOT(me, i);
        SLOT(me, j) = n;
        n = 0;
        sort_slots();
        check()
    }
}
#endif

#ifdef LARGE
/* It was zeroed, with safepoints between, and the bits may have turned over. Then the sweep of its
 * span, if it finds the bit that is set now, makes it old. */
inline large_is_zero() {
    choose_slot(i);
    choose_slot(j);
    d_step {
        n = ONLY_OF(making[me]);
#ifndef LARGE_CLEAN
        dirty = dirty | (unswept & making[me]);
#endif
        skip
    }
}

inline large_gets_bits() {
    d_step {
        allocated = allocated | SET(n);
        marked = marked | (ALLOCATES_BLACK -> SET(n) : 0);
        making[me] = 0;
        check()
    }
}

inline large_is_made() {
    d_step {
        field[n] = SLOT(me, i);
        SLOT(me, j) = n;
        n = 0;
        sort_slots();
        check()
    }
}
#endif

#ifdef FREEING
/* The program gives an object back that it knows to be dead: except for one slot of its own, nothing
 * that it can reach refers to it. Words elsewhere may lead there still. The allocation bit goes,
 * then the mark, with no safepoint between. */
#if defined(FREE_WHILE_MARKING)
#define MAY_FREE true
#elif defined(MINOR)
#define MAY_FREE (!barrier[me] && dying == 0) /* all is swept */
#else
#define MAY_FREE (!barrier[me])
#endif

inline free_unallocates() {
    choose_slot(i);
    d_step {
        n = SLOT(me, i);
        SLOT(me, i) = 0;
        i = 0;
        reach(s);
        if
        :: n && !HAS(s, n) && HAS(allocated, n) -> allocated = allocated & ~SET(n)
        :: else -> n = 0 /* it was only dropped */
        fi;
        s = 0
    }
}

/* A shade of a word that leads there sets its mark in the code when the word's turn comes, if the
 * cell is allocated then: what is grey here goes on to be looked at. */
inline free_unmarks() {
    d_step {
#if defined(MINOR) && !defined(FREE_KEEPS_MARK)
        marked = marked & ~(SET(n) & ~grey);
#endif
        n = 0;
        sort_slots();
        check()
    }
}
#endif

#ifdef ATTACH
/* Under the lock that guards the list of mutators, as is the start of a handshake. */
inline attach() {
    d_step {
        attached[me] = 1;
#ifndef NO_ATTACH_BARRIER
        barrier[me] = (phase != NONE);
#endif
#ifdef ATTACH_SCANNED_EARLY
        scanned[me] = (phase != NONE)
#else
        scanned[me] = (phase == SCAN)
#endif
    }
}

inline detach() {
    d_step {
#ifndef DETACH_NO_FLUSH
        flush(me);
#endif
        buffer[me] = 0;
        root[me * 2] = 0;
        root[me * 2 + 1] = 0;
        asked[me] = NONE;
        barrier[me] = 0;
        scanned[me] = 0;
        attached[me] = 0;
#ifdef MINOR
        return_rest(me);
#endif
        check()
    }
}
#endif

#ifdef COROUTINES
/* Go on as the coroutine that does not run; its lock is held. Not a safepoint. */
inline switch_stack() {
    d_step {
        n = 0;
        do
        :: running[n] -> n++
        :: else -> break
        od;
#ifdef TIED
        may = (n != 2 || HAS(STACK_SET(current[me]), 2)); /* it holds the object */
        if
        :: !may -> skip
        :: else ->
#endif
        running[current[me]] = 0;
        running[n] = 1;
        current[me] = n;
        if
        :: !scanned[me] ->
#ifndef SWITCH_KEEPS_SCANNED
            stack_scanned[n] = 0
#else
            skip
#endif
        :: scanned[me] && !stack_scanned[n] ->
#ifndef SWITCH_NO_SCAN
            shade_set(STACK_SET(n));
#endif
            stack_scanned[n] = 1
        :: else -> skip
        fi;
#ifdef TIED
        fi;
        may = 0;
#endif
        n = 0;
        check()
    }
}
#endif

#ifdef SUSPENDED
/* The coroutine that does not run. */
#define SUSPENDED_STACK (!running[0] -> 0 : (!running[1] -> 1 : 2))

/* Take a word out of its roots, and clear it there or not. */
inline take_suspended() {
    choose_slot(i);
    choose_slot(j);
    n = SUSPENDED_STACK;
    d_step {
#ifndef COROUTINE_TAKE_NO_SHADE
        shade_store(root[n * 2 + i], 0);
#endif
        SLOT(me, j) = root[n * 2 + i]
    }
    if
    :: root[n * 2 + i] = 0
    :: skip
    fi;
    d_step {
        n = 0;
        sort_slots();
        check()
    }
    may_flush()
}

/* Put a word into them. */
inline put_suspended() {
    choose_slot(i);
    choose_slot(j);
    d_step {
        n = SUSPENDED_STACK;
#ifndef COROUTINE_PUT_NO_SHADE
        shade_store(root[n * 2 + i], SLOT(me, j));
#endif
        root[n * 2 + i] = SLOT(me, j);
        n = 0;
        i = 0;
        j = 0;
        check()
    }
    may_flush()
}

/* Read a word out of them by plain C, and free the coroutine. */
inline free_suspended() {
    choose_slot(i);
    choose_slot(j);
    d_step {
        n = SUSPENDED_STACK;
        SLOT(me, j) = root[n * 2 + i];
#ifndef COROUTINE_FREE_NO_SHADE
        if
        :: barrier[me] && !stack_scanned[n] -> shade_set(STACK_SET(n))
        :: else -> skip
        fi;
#endif
        stack_scanned[n] = 0; /* from here on it is another coroutine, a new one */
        root[n * 2] = 0;
        root[n * 2 + 1] = 0;
        n = 0;
        sort_slots();
        check()
    }
}
#endif

#ifdef HANDOVER
/* Put a word where it is no root; its giver holds it until somebody has got it. */
inline give() {
    choose_slot(i);
    d_step {
        box = SLOT(me, i);
#ifdef GIVER_SHADES
        shade_store(0, box);
#endif
        i = 0
    }
    may_flush()
}

#define GIVEN (box && (SLOT(1 - me, 0) == box || SLOT(1 - me, 1) == box))

/* Get it, in two steps with no safepoint between: the giver may drop it meanwhile. */
inline receive_reads() {
    choose_slot(j);
    SLOT(me, j) = box
}

inline receive_shades() {
    d_step {
#if !defined(HANDOVER_NO_SHADE) && !defined(GIVER_SHADES)
        shade_store(0, SLOT(me, j));
#endif
        sort_slots()
    }
    may_flush()
}
#endif

#ifdef WEAK
/* Two steps while settling: what the slot said may be settled, and swept, in between. */
inline weak_reads() {
    choose_slot(j);
    d_step {
        n = weak;
        assert(n == 0 || settling[me] || !weak_stale);
        reading[me] = n;
        stale[me] = (n && weak_stale);
#ifndef WEAK_NO_SHADE
        if
        :: barrier[me] -> buffer[me] = buffer[me] | (SET(n) & ~marked)
        :: else -> skip
        fi;
#endif
        if
        :: !settling[me] -> SLOT(me, j) = n; reading[me] = 0; stale[me] = 0; n = 0; sort_slots()
        :: else -> i = 1
        fi;
        check()
    }
    may_flush()
}

inline weak_returns() {
    if
    :: i == 0 -> skip
    :: else ->
        d_step {
            i = 0;
            if
#ifdef WEAK_NO_MARK_CHECK
            :: n ->
#else
            :: IS_ALIVE(n) ->
#endif
                assert(!stale[me]);
                SLOT(me, j) = n
            :: else -> SLOT(me, j) = 0
            fi;
            reading[me] = 0;
            stale[me] = 0;
            n = 0;
            sort_slots()
        }
    fi
}

inline weak_set() {
    choose_slot(j);
    d_step {
        weak = SLOT(me, j);
        weak_stale = 0;
        j = 0
    }
}
#endif

#ifdef EPHEMERON
inline ephemeron_get() {
    choose_slot(j);
    d_step {
        if
        :: barrier[me] -> buffer[me] = buffer[me] | (SET(value) & ~marked)
        :: else -> skip
        fi;
        SLOT(me, j) = VALUE_NOW;
        sort_slots();
        check()
    }
    may_flush()
}

/* The key is cleared first: a pass never sees the new key beside the old value. */
inline ephemeron_shades() {
    choose_slot(i);
    choose_slot(j);
    d_step {
        shade_store(0, SLOT(me, j));
        key = 0
    }
    may_flush()
}

inline ephemeron_writes() {
    value = SLOT(me, j);
    d_step {
        key = SLOT(me, i);
        i = 0;
        j = 0
    }
#if defined(MINOR) && !defined(EPHEMERON_NO_CARD)
    pair_dirty = 1
#else
    skip
#endif
}
#endif

proctype mutator(bit me; byte ops) {
    byte i, j, n;
#ifdef TIED
    bit may;
#endif

end:
    do
    :: over -> break
    :: READY && asked[me] != NONE -> answer(me)
#ifndef STACKS_ONLY
    :: atomic { READY && ops > 0 -> ops--; load() }
#if defined(MINOR) && defined(CARD_AFTER_SLOT)
    :: atomic { READY && ops > 0 -> ops--; store_shades() }
        store_writes();
        store_remembers()
#elif defined(MINOR)
    :: atomic { READY && ops > 0 -> ops--; store_shades() }
        store_remembers();
        store_writes()
#else
    :: atomic { READY && ops > 0 -> ops--; store_shades() }
        store_writes()
#endif
#endif
#ifndef LEAN
    :: atomic { READY && ops > 0 && (SLOT(me, 0) || SLOT(me, 1)) -> ops--; drop() }
#endif
#ifdef ALLOCATION
    :: atomic { READY && ops > 0 && CAN_ALLOCATE -> ops--; alloc() }
#endif
#ifdef FREEING
    :: atomic { READY && ops > 0 && MAY_FREE && (SLOT(me, 0) || SLOT(me, 1)) -> ops--; free_unallocates() }
        free_unmarks()
#endif
#ifdef LARGE
    :: atomic { READY && ops > 0 && !making[me] && FREE -> ops--; making[me] = LOWEST(FREE) }
    :: atomic { READY && making[me] -> large_is_zero() }
        large_gets_bits();
        large_is_made()
#endif
#ifdef ATTACH
    :: atomic { !attached[me] && ops > 0 && !stopping -> attach() }
    :: atomic { READY && ops > 0 -> ops--; detach() }
#endif
#ifdef NATIVE
    :: atomic { me == 1 && READY && ops > 0 && !locked[me] -> ops--; native[me] = 1 }
#ifdef NATIVE_NO_LOCK
    :: native[me] && asked[me] != STOPPED -> native[me] = 0
#else
    :: atomic { native[me] && asked[me] != STOPPED && !locked[me] -> native[me] = 0 }
#endif
#endif
#ifdef COROUTINES
    :: atomic { READY && ops > 0 -> ops--; switch_stack() }
#endif
#ifdef SUSPENDED
    :: atomic { READY && ops > 0 -> ops--; take_suspended() }
    :: atomic { READY && ops > 0 -> ops--; put_suspended() }
    :: atomic { READY && ops > 0 -> ops--; free_suspended() }
#endif
#ifdef HANDOVER
    :: atomic { READY && ops > 0 && SLOT(me, 0) -> ops--; give() }
    :: atomic { READY && ops > 0 && GIVEN -> ops--; receive_reads() }
        receive_shades()
#endif
#ifdef WEAK
    :: atomic { READY && ops > 0 -> ops--; weak_reads() }
        weak_returns()
    :: atomic { READY && ops > 0 -> ops--; weak_set() }
#endif
#ifdef EPHEMERON
    :: atomic { READY && ops > 0 -> ops--; ephemeron_get() }
    :: atomic { READY && ops > 0 -> ops--; ephemeron_shades() }
        ephemeron_writes()
#endif
    od
}
