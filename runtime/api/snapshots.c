/* SPDX-License-Identifier: MIT */
/*
 * Snapshots of arenas: saved from and loaded into contiguous ones, whose bytes have the same
 * distances wherever they lie. What is said about each function is in gait/snapshot.h; the bytes,
 * in arena/snapshot_format.h.
 *
 *   .inv.whole: an arena is handed out only when its last byte was read and the checksum of all is
 *   right. Until then nobody knows it: it is given back as it came.
 */
#include <gait/snapshot.h>

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "../arena/snapshot_format.h"
#include "../error.h"
#include "../platform/platform.h"
#include "arenas.h"

/* So much is read or written between two safepoints, and summed up while it is in the cache. */
#define PIECE_BYTES ((size_t)1 << 18)

void gait_arena_set_root(gait_mutator *mutator, gait_arena *arena, void *root) {
    struct arena_own *own = arena_mine(mutator, arena, __func__);
    if (root && gait_arena_of(mutator->heap, root) != arena)
        platform_fatal("%s: %p is not in arena \"%s\"", __func__, root, own->record.name);
    own->root = root;
}

void *gait_arena_root(gait_mutator *mutator, gait_arena *arena) {
    return arena_mine(mutator, arena, __func__)->root;
}

/* ---- Saving ---- */

/* Where bytes go: to a descriptor, or to memory that has room for all. */
struct writer {
    gait_mutator *mutator;
    int descriptor;
    char *buffer; /* NULL: the descriptor */
    struct checksum checksum;
};

static int writer_put(struct writer *writer, const void *bytes, size_t count) {
    for (const char *next = bytes; count > 0;) {
        size_t piece = count < PIECE_BYTES ? count : PIECE_BYTES;
        checksum_add(&writer->checksum, next, piece);
        if (writer->buffer) {
            memcpy(writer->buffer, next, piece);
            writer->buffer += piece;
        } else {
            gait_enter_native(writer->mutator);
            int result = platform_descriptor_write(writer->descriptor, next, piece), error = errno;
            gait_leave_native(writer->mutator);
            if (result < 0) {
                errno = error;
                return GAIT_E_FILE;
            }
        }
        next += piece;
        count -= piece;
    }
    return 0;
}

/* The one piece of a contiguous arena. */
static struct snapshot_piece piece_of(const struct bump *bump) {
    const struct bump_chunk *chunk = bump->current;
    const struct gait_arena_head *head = bump->head;
    return (struct snapshot_piece){.bytes = (uint64_t)(chunk->end - chunk->start),
                                   .low_start = (uint64_t)(chunk->first - chunk->start),
                                   .low_end = (uint64_t)(head->low - chunk->start),
                                   .high_start = (uint64_t)(head->high - chunk->start)};
}

static struct snapshot_info info_of(const struct arena_own *own,
                                    const struct snapshot_piece *piece) {
    struct snapshot_info info = {
        .flags = own->record.flags,
        .unit = (uint32_t)(~own->bump.head->mask + 1),
        .arena_id = own->record.id,
        .node = own->node,
        .pieces = 1,
        .image_bytes = piece->bytes,
        .contents_bytes = piece->low_end - piece->low_start + piece->bytes - piece->high_start,
        .root = own->root ? (uint64_t)((char *)own->root - own->range.whole.start) : 0};
    memcpy(info.name, own->record.name, sizeof info.name - 1);
    return info;
}

static bool can_be_saved(const struct arena_own *own) {
    return (own->record.flags & GAIT_ARENA_CONTIGUOUS) != 0;
}

static int write_all(struct writer *writer, const struct arena_own *own,
                     const struct snapshot_info *info, const struct snapshot_piece *piece) {
    unsigned char header[SNAPSHOT_HEADER_BYTES], table[SNAPSHOT_PIECE_BYTES],
        end[SNAPSHOT_END_BYTES];
    checksum_init(&writer->checksum);
    snapshot_put_piece(table, piece);
    snapshot_put_header(header, info, table, &writer->checksum);
    const char *start = own->range.whole.start;
    int result = writer_put(writer, header, sizeof header);
    if (result == 0)
        result = writer_put(writer, table, sizeof table);
    if (result == 0)
        result = writer_put(writer, start + piece->low_start, piece->low_end - piece->low_start);
    if (result == 0)
        result = writer_put(writer, start + piece->high_start, piece->bytes - piece->high_start);
    snapshot_put_u32(end, writer->checksum.value);
    return result == 0 ? writer_put(writer, end, sizeof end) : result;
}

int gait_arena_save(gait_mutator *mutator, gait_arena *arena, int descriptor) {
    const struct arena_own *own = arena_mine(mutator, arena, __func__);
    if (!can_be_saved(own))
        return GAIT_E_INVALID;
    struct snapshot_piece piece = piece_of(&own->bump);
    struct snapshot_info info = info_of(own, &piece);
    struct writer writer = {.mutator = mutator, .descriptor = descriptor};
    gait_word handle = (gait_word)arena; /* over the safepoints */
    struct gait_frame frame;
    gait_push_frame(mutator, &frame, &handle, 1);
    int result = write_all(&writer, own, &info, &piece), error = errno;
    gait_pop_frame(mutator);
    errno = error;
    return result;
}

int gait_arena_save_bytes(gait_mutator *mutator, gait_arena *arena, void *buffer, size_t *bytes) {
    const struct arena_own *own = arena_mine(mutator, arena, __func__);
    if (!can_be_saved(own))
        return GAIT_E_INVALID;
    struct snapshot_piece piece = piece_of(&own->bump);
    struct snapshot_info info = info_of(own, &piece);
    size_t room = *bytes;
    *bytes = (size_t)snapshot_bytes(&info);
    if (!buffer)
        return 0;
    if (room < *bytes)
        return GAIT_E_FULL;
    struct writer writer = {.mutator = mutator, .buffer = buffer};
    return write_all(&writer, own, &info, &piece);
}

/* ---- Loading ---- */

/* Where bytes come from: a descriptor, or memory. */
struct reader {
    gait_mutator *mutator;
    int descriptor;
    const char *buffer; /* NULL: the descriptor */
    size_t left;        /* in the buffer */
    uint64_t done;
    struct checksum checksum;
    char *error; /* where a line goes; NULL: nowhere */
    size_t error_bytes;
};

__attribute__((format(printf, 2, 3))) static bool refuse(const struct reader *reader,
                                                         const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    error_say_list(reader->error, reader->error_bytes, format, arguments);
    va_end(arguments);
    return false;
}

/* @return how many there were; SIZE_MAX: it can't be read. */
static size_t reader_get_piece(struct reader *reader, char *to, size_t count) {
    size_t done = count < reader->left ? count : reader->left;
    if (reader->buffer) {
        memcpy(to, reader->buffer, done);
        reader->buffer += done;
        reader->left -= done;
        return done;
    }
    gait_enter_native(reader->mutator);
    int result = platform_descriptor_read(reader->descriptor, to, count, &done), error = errno;
    gait_leave_native(reader->mutator);
    if (result < 0) {
        refuse(reader, "snapshot: can't be read: %s", strerror(error));
        return SIZE_MAX;
    }
    return done;
}

/* Get all of count bytes. @return how many there were; SIZE_MAX: it can't be read. */
static size_t reader_get(struct reader *reader, void *to, size_t count) {
    size_t done = 0;
    while (done < count) {
        size_t piece = count - done < PIECE_BYTES ? count - done : PIECE_BYTES;
        size_t got = reader_get_piece(reader, (char *)to + done, piece);
        if (got == SIZE_MAX)
            return got;
        checksum_add(&reader->checksum, (char *)to + done, got);
        done += got;
        if (got < piece)
            break;
    }
    reader->done += done;
    return done;
}

/* The same, but that fewer are an error. */
static bool reader_get_all(struct reader *reader, void *to, size_t count,
                           const struct snapshot_info *info) {
    size_t got = reader_get(reader, to, count);
    if (got == SIZE_MAX)
        return false;
    return got == count || snapshot_is_short(reader->done, snapshot_bytes(info), reader->error,
                                             reader->error_bytes);
}

/* Header and piece. @return false: refused. */
static bool read_head(struct reader *reader, struct snapshot_info *info,
                      struct snapshot_piece *piece) {
    unsigned char header[SNAPSHOT_HEADER_BYTES], table[SNAPSHOT_PIECE_BYTES];
    size_t got = reader_get(reader, header, sizeof header);
    uint32_t sum = reader->checksum.value; /* the codec uses it for itself */
    if (got == SIZE_MAX || !snapshot_get_header(header, got, info, &reader->checksum, reader->error,
                                                reader->error_bytes))
        return false;
    if (info->pieces != 1)
        return refuse(reader, "snapshot: of %u pieces; this library reads one of one",
                      (unsigned)info->pieces);
    reader->checksum.value = sum;
    if (!reader_get_all(reader, table, sizeof table, info))
        return false;
    sum = reader->checksum.value;
    if (!snapshot_check_table(header, info, table, &reader->checksum, reader->error,
                              reader->error_bytes))
        return false;
    reader->checksum.value = sum;
    *piece = snapshot_get_piece(table);
    return true;
}

/* Does what was saved suit this heap and this configuration? */
static bool suits(const struct reader *reader, const struct snapshot_info *info,
                  const struct snapshot_piece *piece, const gait_arena_config *config) {
    size_t unit = reader->mutator->heap->wide_cells ? 16 : 8;
    uint32_t known = GAIT_ARENA_CONTIGUOUS | GAIT_ARENA_PINNED | GAIT_ARENA_DESCRIBED;
    if (info->unit < unit)
        return refuse(reader, "snapshot: its objects lie at multiples of %u; this heap's at %zu",
                      (unsigned)info->unit, unit);
    if ((info->flags & ~known) || !(info->flags & GAIT_ARENA_CONTIGUOUS))
        return refuse(reader, "snapshot: of an arena with flags %#x (known: %#x)",
                      (unsigned)info->flags, (unsigned)known);
    if (piece->low_start < sizeof(struct gait_arena) || piece->low_end % unit ||
        piece->high_start % unit)
        return refuse(reader, "snapshot: its piece can't be right");
    uint64_t whole = snapshot_bytes(info);
    if (reader->buffer && reader->left < whole - reader->done) /* before memory is taken for it */
        return snapshot_is_short(reader->done + reader->left, whole, reader->error,
                                 reader->error_bytes);
    if ((config->flags & ~(uint32_t)GAIT_ARENA_PINNED) || config->reserve_bytes)
        return refuse(reader,
                      "gait_arena_load: of the flags only GAIT_ARENA_PINNED can be chosen, and no "
                      "reserve_bytes");
    return true;
}

/* Open what the parts need of the range. */
static bool open_parts(struct reader *reader, struct arena_own *own,
                       const struct snapshot_piece *piece) {
    struct arena_call call = {.mutator = reader->mutator, .own = own};
    struct bump *bump = &own->bump;
    const char *low_end = own->range.whole.start + piece->low_end;
    const char *high_start = own->range.whole.start + piece->high_start;
    while (bump->open_low < bump->open_high &&
           (low_end > bump->open_low || high_start < bump->open_high)) {
        bool low = low_end > bump->open_low;
        size_t bytes =
            low ? (size_t)(low_end - bump->open_low) : (size_t)(bump->open_high - high_start);
        if (!bump->source->open(&call, bytes, low))
            return refuse(reader, "snapshot: no memory for %zu bytes", bytes);
    }
    bump->held_bytes = own->bump.current->end - own->bump.current->start -
                       (size_t)(bump->open_high - bump->open_low);
    return true;
}

static bool read_contents(struct reader *reader, struct arena_own *own,
                          const struct snapshot_info *info, const struct snapshot_piece *piece) {
    char *start = own->range.whole.start;
    if (!open_parts(reader, own, piece) ||
        !reader_get_all(reader, start + piece->low_start, piece->low_end - piece->low_start,
                        info) ||
        !reader_get_all(reader, start + piece->high_start, piece->bytes - piece->high_start, info))
        return false;
    uint32_t sum = reader->checksum.value;
    unsigned char end[SNAPSHOT_END_BYTES];
    if (!reader_get_all(reader, end, sizeof end, info))
        return false;
    if (snapshot_get_u32(end) != sum)
        return snapshot_is_corrupted("contents", reader->error, reader->error_bytes);
    if (reader->buffer && reader->left > 0)
        return refuse(reader, "snapshot: %zu bytes follow it that are not its own", reader->left);
    bump_fill(&own->bump, piece->low_start, piece->low_end, piece->high_start);
    own->root = info->root ? start + info->root : NULL;
    return true;
}

static gait_arena *load(struct reader *reader, const gait_arena_config *given, const char *where) {
    gait_arena_config config;
    struct snapshot_info info;
    struct snapshot_piece piece = {0};
    checksum_init(&reader->checksum);
    if (!arena_config_read(&config, given, reader->error, reader->error_bytes) ||
        !read_head(reader, &info, &piece) || !suits(reader, &info, &piece, &config))
        return NULL;
    config.flags |= info.flags & (GAIT_ARENA_CONTIGUOUS | GAIT_ARENA_DESCRIBED);
    config.reserve_bytes = (size_t)info.image_bytes;
    if (!config.name)
        config.name = info.name;
    struct arena_own *own =
        arena_prepare(reader->mutator, &config, where, reader->error, reader->error_bytes);
    if (!own)
        return NULL;
    if (!read_contents(reader, own, &info, &piece)) {
        arena_discard(reader->mutator, own);
        return NULL;
    }
    return arena_introduce(reader->mutator, own);
}

gait_arena *gait_arena_load_at(gait_mutator *mutator, const gait_arena_config *config,
                               int descriptor, const char *where, char *error, size_t error_bytes) {
    mutator_check_thread(mutator, "gait_arena_load");
    struct reader reader = {
        .mutator = mutator, .descriptor = descriptor, .error = error, .error_bytes = error_bytes};
    return load(&reader, config, where);
}

gait_arena *gait_arena_load_bytes_at(gait_mutator *mutator, const gait_arena_config *config,
                                     const void *buffer, size_t bytes, const char *where,
                                     char *error, size_t error_bytes) {
    mutator_check_thread(mutator, "gait_arena_load_bytes");
    struct reader reader = {.mutator = mutator,
                            .buffer = buffer ? buffer : "",
                            .left = buffer ? bytes : 0,
                            .error = error,
                            .error_bytes = error_bytes};
    return load(&reader, config, where);
}
