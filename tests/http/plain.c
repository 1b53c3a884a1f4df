/* SPDX-License-Identifier: MIT */
/*
 * A program that knows nothing of HTTP: it has a heap until its input ends. At an f it makes a
 * child that stays, and prints its number.
 */
#include <gait/gait.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

int main(void) {
    gait_heap *heap = gait_heap_create(NULL, NULL, 0);
    if (!heap)
        return 1;
    puts("ready");
    fflush(stdout);
    for (int letter; (letter = getchar()) != EOF;) {
        pid_t child = letter == 'f' ? fork() : -1;
        if (child == 0)
            for (;;)
                pause();
        if (child > 0) {
            printf("%ld\n", (long)child);
            fflush(stdout);
        }
    }
    gait_heap_destroy(heap);
    return 0;
}
