/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that the library opens for itself. A fork's child has them all, whatever part of the
 * library, of which heap, had opened them, and whether a thread was about to close them; none of
 * these is there, and the parent's files would stay open in the child. So they are listed, and the
 * child closes them.
 *
 *   .inv.own: at a fork each descriptor of the library's is in the list, and nothing else is: one
 *   is opened and listed, or closed and taken off, in one step, which forks wait for, and which
 *   waits for forks. Such a step asks the OS alone, and takes no lock. (The kernel copies
 *   descriptors first and memory later: one that is closed and taken off in between would be in
 *   the child, and in no list. So where nobody may wait it is closed and stays listed.)
 *
 * With its number stands which file it is: a program may close what it has not opened, and get the
 * number for another file, which is its own.
 */
#include "atomic.h"
#include "perturb.h"
#include "platform.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of more, a child keeps them open. */
#define FILES_MOST 1024
#define FORKS ((AO_t)1 << 32)

/* What number is where there is none. */
enum { FREE, TAKEN, FIRST };

static AO_t steps; /* threads in a step; and FORKS, while a fork is under way */

static struct own_file {
    AO_t number;            /* and FIRST; taken by compare-and-swap */
    uint64_t device, inode; /* written while TAKEN; read in a fork's child */
} files[FILES_MOST];
static AO_t files_top; /* none at this index or beyond was ever used */

bool platform_own_begin(bool waits) {
    for (;;) {
        AO_t now = AO_load_acquire(&steps);
        if (!(now & FORKS)) {
            if (AO_compare_and_swap_full(&steps, now, now + 1))
                return true;
        } else if (waits) {
            platform_yield();
        } else {
            return false;
        }
    }
}

void platform_own_end(void) { AO_fetch_and_sub1_full(&steps); }

bool platform_file_of(int number, struct platform_file *file) {
    struct stat status;
    file->number = -1;
    if (number < 0 || fstat(number, &status) < 0)
        return false;
    *file = (struct platform_file){.number = number, status.st_dev, status.st_ino};
    return true;
}

bool platform_file_is_open(const struct platform_file *file) {
    struct platform_file now;
    return platform_file_of(file->number, &now) && now.device == file->device &&
           now.inode == file->inode;
}

static void raise_top(AO_t top) {
    AO_t before;
    do
        before = AO_load(&files_top);
    while (before < top && !AO_compare_and_swap_full(&files_top, before, top));
}

size_t platform_own_count(void) {
    AO_t top = AO_load(&files_top);
    size_t count = 0;
    for (size_t i = 0; i < top; i++)
        count += AO_load(&files[i].number) >= FIRST;
    return count;
}

int platform_own(int number) {
    struct platform_file file;
    if (!platform_file_of(number, &file))
        return number;
    for (size_t i = 0; i < FILES_MOST; i++) {
        if (AO_load(&files[i].number) != FREE ||
            !AO_compare_and_swap_acquire(&files[i].number, FREE, TAKEN))
            continue;
        files[i].device = file.device;
        files[i].inode = file.inode;
        raise_top(i + 1);
        AO_store_release(&files[i].number, (AO_t)number + FIRST);
        break;
    }
    return number;
}

void platform_own_close(int number) {
    if (number < 0)
        return;
    AO_t top = AO_load(&files_top);
    for (size_t i = 0; i < top; i++)
        if (AO_load(&files[i].number) == (AO_t)number + FIRST &&
            AO_compare_and_swap_release(&files[i].number, (AO_t)number + FIRST, FREE))
            break;
    PERTURB(OWN_CLOSE);
    syscall(SYS_close, number); /* not close: watch.c */
}

void platform_own_hold(void) {
    while (!AO_compare_and_swap_full(&steps, 0, FORKS))
        platform_yield();
}

void platform_own_let_go(void) { AO_store_release(&steps, 0); }

void platform_own_lost(void) {
    AO_t top = AO_load(&files_top);
    for (size_t i = 0; i < top; i++) {
        AO_t number = AO_load_acquire(&files[i].number);
        struct platform_file file = {
            .number = (int)number - FIRST, .device = files[i].device, .inode = files[i].inode};
        if (number >= FIRST && platform_file_is_open(&file))
            syscall(SYS_close, file.number);
        AO_store(&files[i].number, FREE);
    }
    AO_store_release(&steps, 0);
}
