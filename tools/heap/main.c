/* SPDX-License-Identifier: MIT */
/*
 * gait-heap: reads heap snapshots. Each subcommand has its own file.
 */
#include "mains.h"
#include "subcommands.h"

static const struct subcommand SUBCOMMANDS[] = {
    {"kinds", kinds_main, "what there is, by kinds of objects",
     "Usage: gait-heap kinds [OPTION...] FILE\n\n"
     "Prints for each kind how many objects there are, their own bytes, and the bytes that they\n"
     "retain: what would be freed with them.\n\n"
     "  --by retained|own|objects  what comes first (retained)\n"
     "  --top N                    so many kinds (20); all: every one\n"},
    {"dominators", dominators_main, "which objects keep most of the memory, as a tree",
     "Usage: gait-heap dominators [OPTION...] FILE [OBJECT]\n\n"
     "Prints the objects that retain most; below each, what it alone keeps. Begins at the roots,\n"
     "or at an object: 0xADDRESS, @NUMBER, or a pattern that one object's kind or label is "
     "like.\n\n"
     "  --depth N          so many levels (8)\n"
     "  --top N            so many objects below each (10)\n"
     "  --share PERCENT    only what retains at least so much of the heap (1)\n"},
    {"path", path_main, "what keeps an object: the shortest way from a root",
     "Usage: gait-heap path [OPTION...] FILE OBJECT\n\n"
     "Prints each reference on the shortest way from a root to an object. OBJECT is 0xADDRESS,\n"
     "@NUMBER, or a pattern for kinds and labels with * ? [] as in a shell; of several objects\n"
     "those that retain most come first.\n\n"
     "  --top N            so many objects (1)\n"},
    {"diff", diff_main, "what grew from one snapshot to the next",
     "Usage: gait-heap diff [OPTION...] OLD NEW\n\n"
     "Prints for each kind how many objects came, went, and what all together grew. Objects are\n"
     "the same where address, kind and size are: both snapshots are of one process. Then, which\n"
     "older objects keep the new ones.\n\n"
     "  --top N            so many kinds, and so many keepers (20); all: every one\n"},
    {"suspects", suspects_main, "where a leak may be",
     "Usage: gait-heap suspects [OPTION...] FILE...\n\n"
     "Prints objects that alone keep much of the heap, where below them it piles up, and what\n"
     "keeps them; kinds of which there is much in one place. With several snapshots, in the order\n"
     "of time: kinds that grew from each to the next.\n\n"
     "  --share PERCENT    much is at least so much of the heap (10)\n"},
    {"picture", picture_main, "draw who keeps what",
     "Usage: gait-heap picture [OPTION...] FILE [OBJECT]\n\n"
     "Draws an SVG: each bar is as wide as what it retains; below it is what it alone keeps, of\n"
     "one kind together. OBJECT as for dominators.\n\n"
     "  -o, --output FILE.svg  where it goes (the screen)\n"
     "  --depth N              so many rows (24)\n"},
};

int main(int argc, char **argv) {
    static const struct subcommands ALL = {
        .name = "gait-heap",
        .purpose = "Reads heap snapshots: what there is, what keeps it, what grew.",
        .list = SUBCOMMANDS,
        .count = sizeof(SUBCOMMANDS) / sizeof(*SUBCOMMANDS),
        .failures = "a bad input",
    };
    return subcommands_main(&ALL, argc, argv);
}
