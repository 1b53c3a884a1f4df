/* SPDX-License-Identifier: MIT */
/*
 * picture: who keeps what, as an SVG. A bar is as wide as what it retains, and hangs below what
 * keeps it alone: what is its own bytes, or too little to be drawn, is the gap on the right.
 *
 * The file needs nothing from elsewhere: no script, no font, no style sheet. What a bar is stands
 * in it, as far as there is room, and in its title, which viewers show under the pointer.
 */
#include "command.h"
#include "heap.h"
#include "mains.h"
#include "piles.h"
#include "text.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 1200.0
#define MARGIN 10.0
#define HEAD 58.0 /* above the bars: two lines of text */
#define ROW 22.0
#define LETTER 6.7 /* of 12 px in sans-serif, on average */
#define MOST_ROWS 100
/** What is narrower can't be seen. */
#define LEAST_PX 1.5
/** And in what is narrower no text can be read. */
#define LEAST_TEXT_PX 30.0

struct picture {
    const struct heap *heap;
    struct piles piles;
    FILE *file;
    double bytes_px; /* width of a byte */
};

/* ---- Text in XML -------------------------------------------------------- */

/** How long the letter is that begins here; 0: it is none that UTF-8 or XML has. */
static size_t letter_bytes(const unsigned char *text) {
    static const unsigned LEAST[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t bytes = *text < 0x80       ? 1
                   : *text >> 5 == 6  ? 2
                   : *text >> 4 == 14 ? 3
                   : *text >> 3 == 30 ? 4
                                      : 0;
    unsigned letter = bytes == 1 ? *text : *text & (0xffu >> (bytes + 1));
    for (size_t i = 1; i < bytes; i++) {
        if (text[i] >> 6 != 2)
            return 0;
        letter = letter << 6 | (text[i] & 0x3f);
    }
    bool is_letter = bytes > 0 && letter >= 0x20 && letter >= LEAST[bytes] && letter <= 0x10ffff &&
                     !(letter >= 0x7f && letter <= 0x9f) &&
                     !(letter >= 0xd800 && letter <= 0xdfff) && (letter & 0xfffe) != 0xfffe;
    return is_letter ? bytes : 0;
}

/** Write at most so many letters as XML has them; what is none is a question mark. */
static void put_text(FILE *file, const char *text, size_t most) {
    const unsigned char *at = (const unsigned char *)text;
    for (size_t count = 0; *at; count++) {
        if (count == most) {
            fputs("\xe2\x80\xa6", file); /* … */
            return;
        }
        size_t bytes = letter_bytes(at);
        if (bytes == 0)
            putc('?', file);
        else if (bytes == 1 && strchr("<>&\"'", *at))
            fprintf(file, "&#%d;", *at);
        else
            fwrite(at, 1, bytes, file);
        at += bytes ? bytes : 1;
    }
}

/* ---- Bars --------------------------------------------------------------- */

/** Of a kind always the same, light enough for black text; roots are grey. */
static void put_color(const struct picture *picture, uint32_t node) {
    const struct graph *graph = &picture->heap->graph;
    uint32_t hash = 2166136261u; /* FNV-1a, of the kind's name: pictures can be compared */
    for (const char *at = graph_kind_name(graph, node); *at; at++)
        hash = (hash ^ (unsigned char)*at) * 16777619u;
    if (graph_is_object(graph, node))
        fprintf(picture->file, "hsl(%u,%u%%,%u%%)", hash % 360, 45 + hash / 360 % 25,
                70 + hash / 9000 % 10);
    else
        fputs("#dddddd", picture->file);
}

/** "pair × 1200": several of one kind; or what a single one is. */
static void pile_name(const struct picture *picture, const struct pile *pile, char *name,
                      size_t size) {
    const struct graph *graph = &picture->heap->graph;
    char text[TEXT_NAME];
    if (pile->objects > 1) {
        text_cut(graph_kind_name(graph, pile->node), text, sizeof(text));
        snprintf(name, size, "%s \xc3\x97 %u", text, pile->objects);
    } else {
        snprintf(name, size, "%s", text_node(graph, pile->node, text));
    }
}

static void put_pile(const struct picture *picture, const struct pile *pile, double x) {
    FILE *file = picture->file;
    double width = (double)pile->retained * picture->bytes_px, y = HEAD + pile->level * ROW;
    char name[TEXT_NAME + 32], own[TEXT_SHORT], retained[TEXT_SHORT], share[TEXT_SHORT];
    pile_name(picture, pile, name, sizeof(name));
    text_bytes(pile->retained, retained);
    fputs("<g><title>", file);
    put_text(file, name, SIZE_MAX);
    fprintf(file, "\nretains %s, %s\nown %s</title>", retained,
            text_share(pile->retained, picture->heap->dominators.retained[0], share),
            text_bytes(pile->own, own));
    fprintf(file, "<rect x=\"%.2f\" y=\"%.0f\" width=\"%.2f\" height=\"%.0f\" fill=\"", x, y,
            width > 1 ? width - 0.5 : width, ROW - 1);
    put_color(picture, pile->node);
    fputs("\"/>", file);
    if (width >= LEAST_TEXT_PX) {
        snprintf(name + strlen(name), sizeof(name) - strlen(name), "  %s", retained);
        fprintf(file, "<text x=\"%.2f\" y=\"%.0f\">", x + 3, y + 15);
        put_text(file, name, (size_t)((width - 6) / LETTER));
        fputs("</text>", file);
    }
    fputs("</g>\n", file);
}

static void put_head(const struct picture *picture, double height) {
    const struct heap *heap = picture->heap;
    FILE *file = picture->file;
    char bytes[TEXT_SHORT];
    fprintf(file,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
            "viewBox=\"0 0 %.0f %.0f\" font-family=\"sans-serif\" font-size=\"12\">\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n"
            "<text x=\"%.0f\" y=\"22\" font-size=\"16\">What keeps memory: ",
            WIDTH, height, WIDTH, height, MARGIN);
    put_text(file, heap->graph.path, 100);
    fprintf(file,
            "</text>\n<text x=\"%.0f\" y=\"44\" fill=\"#555555\">%u objects, %s. A bar is as wide "
            "as the memory that would be free without it; what hangs below it is kept by it "
            "alone. Point at a bar for its figures.</text>\n",
            MARGIN, heap->dominators.objects[0], text_bytes(heap->dominators.retained[0], bytes));
}

static void draw(struct picture *picture, uint32_t node, uint32_t rows) {
    const struct dominators *dominators = &picture->heap->dominators;
    uint64_t all = dominators->retained[node] ? dominators->retained[node] : 1;
    picture->bytes_px = (WIDTH - 2 * MARGIN) / (double)all;
    piles_make(&picture->piles, picture->heap, node, (uint64_t)(LEAST_PX / picture->bytes_px),
               rows);
    const struct piles *piles = &picture->piles;
    double *x = command_allocate((size_t)piles->count + 1, sizeof(*x));
    uint32_t level = 0;
    for (uint32_t i = 0; i < piles->count; i++)
        level = piles->list[i].level > level ? piles->list[i].level : level;
    put_head(picture, HEAD + (level + 1) * ROW + MARGIN);
    for (uint32_t i = 0; i < piles->count; i++) {
        const struct pile *pile = &piles->list[i];
        x[i] = pile->parent == GRAPH_NONE
                   ? MARGIN
                   : x[pile->parent] + (double)pile->before * picture->bytes_px;
        put_pile(picture, pile, x[i]);
    }
    fputs("</svg>\n", picture->file);
    free(x);
    piles_free(&picture->piles);
}

int picture_main(int argc, char **argv) {
    static const struct option OPTIONS[] = {
        {"output", required_argument, NULL, 'o'}, {"depth", required_argument, NULL, 'd'}, {0}};
    struct command_output output = {"--output", "-"};
    int64_t rows = 24;
    int option;
    while ((option = command_option(argc, argv, "o:", OPTIONS)) >= 0) {
        if (option == 'o')
            output.path = optarg;
        else
            rows = command_count("--depth", optarg, 1, MOST_ROWS, "");
    }
    if (argc - optind != 1 && argc - optind != 2)
        command_misuse("picture: a FILE, and one OBJECT at most; gait-heap help picture");
    command_to_screen(&output, 1);
    struct heap heap;
    heap_load(&heap, argv[optind]);
    uint32_t node = argc - optind == 2 ? heap_object(&heap, argv[optind + 1]) : 0;
    struct picture picture = {.heap = &heap, .file = command_open(output.path)};
    draw(&picture, node, (uint32_t)rows);
    command_close(picture.file, output.path);
    heap_free(&heap);
    return COMMAND_OK;
}
