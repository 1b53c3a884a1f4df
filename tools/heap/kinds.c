/* SPDX-License-Identifier: MIT */
/*
 * kinds: what there is, by kinds of objects.
 */
#include "command.h"
#include "heap.h"
#include "mains.h"
#include "shown.h"
#include "text.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum by { BY_RETAINED, BY_OWN, BY_OBJECTS };
static const char *const BY[] = {"retained", "own", "objects"};
#define BY_COUNT 3

static uint64_t value_by(const struct kind_sum *sum, enum by by) {
    return by == BY_RETAINED ? sum->retained : by == BY_OWN ? sum->bytes : sum->count;
}

static int compare_sums(const void *a, const void *b, void *context) {
    enum by by = *(const enum by *)context;
    const struct kind_sum *one = a, *other = b;
    uint64_t left = value_by(one, by), right = value_by(other, by);
    if (left != right)
        return left > right ? -1 : 1;
    return one->kind < other->kind ? -1 : one->kind > other->kind;
}

static enum by take_by(const char *value) {
    for (int by = 0; by < BY_COUNT; by++)
        if (strcmp(value, BY[by]) == 0)
            return (enum by)by;
    command_misuse("--by: %s; accepted: retained, own, objects", value);
}

static void print_row(const struct kind_sum *sum, const struct heap *heap, bool has_retained,
                      const char *name) {
    char own[TEXT_SHORT], retained[TEXT_SHORT] = "", share[TEXT_SHORT] = "", cut[TEXT_NAME];
    if (has_retained) {
        text_bytes(sum->retained, retained);
        text_share(sum->retained, heap->dominators.retained[0], share);
    }
    text_cut(name, cut, sizeof(cut));
    printf("%10" PRIu64 " %10s %10s %8s  ", sum->count, text_bytes(sum->bytes, own), retained,
           share);
    shown_line(stdout, "%s", cut);
}

static void print_kinds(const struct heap *heap, struct kind_sum *sums, uint32_t count,
                        int64_t top) {
    struct kind_sum others = {0}, all = {0}, unreached = heap_unreached(heap);
    char text[TEXT_SHORT];
    heap_print_title(heap);
    printf("\n%10s %10s %10s %8s  %s\n", "objects", "own", "retained", "share", "kind");
    for (uint32_t i = 0; i < count; i++) {
        all.count += sums[i].count;
        all.bytes += sums[i].bytes;
        if (i < top) {
            print_row(&sums[i], heap, true, heap->graph.kinds[sums[i].kind].name);
        } else {
            others.count += sums[i].count;
            others.bytes += sums[i].bytes;
        }
    }
    if (count > top) {
        snprintf(text, sizeof(text), "%u other kinds", (unsigned)(count - top));
        print_row(&others, heap, false, text);
    }
    print_row(&all, heap, false, "all");
    if (unreached.count > 0)
        print_row(&unreached, heap, false, "besides: kept by nothing, or by weak references alone");
}

int kinds_main(int argc, char **argv) {
    static const struct option OPTIONS[] = {
        {"by", required_argument, NULL, 'b'}, {"top", required_argument, NULL, 't'}, {0}};
    enum by by = BY_RETAINED;
    int64_t top = 20;
    int option;
    while ((option = command_option(argc, argv, "", OPTIONS)) >= 0) {
        if (option == 'b')
            by = take_by(optarg);
        else
            top = heap_top(optarg);
    }
    if (argc - optind != 1)
        command_misuse("kinds: one FILE; gait-heap help kinds");
    struct heap heap;
    heap_load(&heap, argv[optind]);
    struct kind_sum *sums = heap_kinds(&heap);
    uint32_t count = 0;
    for (uint32_t kind = 0; kind < heap.graph.kind_count; kind++)
        if (sums[kind].count > 0 && !heap.graph.kinds[kind].synthetic)
            sums[count++] = sums[kind];
    qsort_r(sums, count, sizeof(*sums), compare_sums, &by);
    print_kinds(&heap, sums, count, top);
    free(sums);
    heap_free(&heap);
    return COMMAND_OK;
}
