/* SPDX-License-Identifier: MIT */
/*
 * Reads arena logs. See life_log.h.
 */
#include "life_log.h"

#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Times, bytes, identifiers are below. */
#define MOST ((uint64_t)1 << 62)
#define NO_NAME UINT32_MAX

static const char *const WORDS[GAIT_ARENALOG_EVENTS] = {
#define WORD(event, meaning, bytes) [GAIT_ARENALOG_##event] = #event,
    GAIT_ARENALOG_ARENA(WORD) GAIT_ARENALOG_HEAP(WORD)
#undef WORD
};

bool life_is_arena(enum gait_arenalog_event type) { return type < GAIT_ARENALOG_begin; }

/* ---- A table from keys to numbers: open addressing, at most half full --- */

struct slot {
    uint64_t hash;
    uint64_t value; /* 0: free; else 1 more than the index, or bytes */
};

struct table {
    struct slot *slots;
    size_t room, count; /* room: a power of 2 */
};

static uint64_t mix(uint64_t key) {
    key ^= key >> 31;
    key *= UINT64_C(0x9e3779b97f4a7c15);
    return key ^ key >> 32;
}

static void put(struct table *table, uint64_t hash, uint64_t value) {
    size_t at = hash & (table->room - 1);
    while (table->slots[at].value)
        at = (at + 1) & (table->room - 1);
    table->slots[at] = (struct slot){hash, value};
}

static void make_room(struct table *table) {
    if (table->count * 2 < table->room)
        return;
    struct table old = *table;
    table->room = old.room ? old.room * 2 : 1024;
    table->slots = command_allocate(table->room, sizeof(*table->slots));
    for (size_t i = 0; i < old.room; i++)
        if (old.slots[i].value)
            put(table, old.slots[i].hash, old.slots[i].value);
    free(old.slots);
}

/** The slot of this hash from `*at` on. @return NULL: no more; then *at is a free one. */
static struct slot *find(struct table *table, uint64_t hash, size_t *at) {
    for (; table->slots[*at].value; *at = (*at + 1) & (table->room - 1))
        if (table->slots[*at].hash == hash)
            return &table->slots[*at];
    return NULL;
}

/* ---- Names -------------------------------------------------------------- */

/** How many bytes the UTF-8 character at `text` has; 0: it is none, or one that XML refuses. */
static size_t utf8_length(const unsigned char *text) {
    static const struct {
        unsigned char mask, lead;
        uint32_t least;
    } forms[] = {{0x80, 0x00, ' '}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (size_t length = 1; length <= 4; length++) {
        if ((*text & forms[length - 1].mask) != forms[length - 1].lead)
            continue;
        uint32_t code = *text & ~forms[length - 1].mask;
        for (size_t i = 1; i < length; i++) {
            if ((text[i] & 0xc0) != 0x80)
                return 0;
            code = code << 6 | (text[i] & 0x3f);
        }
        bool good = code >= forms[length - 1].least && code != 0x7f && code <= 0x10ffff &&
                    (code < 0xd800 || code > 0xdfff) && (code | 1) != 0xffff;
        return good ? length : 0;
    }
    return 0;
}

/** A name that a picture can have: what is no UTF-8, as where a name was cut off, becomes "?". */
static void clean(char *name) {
    for (size_t length; *name; name += length) {
        length = utf8_length((unsigned char *)name);
        if (length == 0) {
            *name = '?';
            length = 1;
        }
    }
}

static uint32_t name_index(struct life_log *log, struct table *table, char *text) {
    uint64_t hash = 0;
    clean(text);
    for (const char *c = text; *c; c++)
        hash = mix(hash + (unsigned char)*c);
    make_room(table);
    size_t at = hash & (table->room - 1);
    for (struct slot *slot; (slot = find(table, hash, &at)); at = (at + 1) & (table->room - 1))
        if (strcmp(log->names[slot->value - 1].text, text) == 0)
            return (uint32_t)(slot->value - 1);
    if (log->name_count == log->name_room) {
        log->name_room = log->name_room * 2 + 16;
        log->names = command_grow(log->names, log->name_room, sizeof(*log->names));
    }
    char *copy = strdup(text);
    if (!copy)
        command_fail("no memory for %zu names", log->name_count);
    log->names[log->name_count++] = (struct life_name){.text = copy};
    put(table, hash, log->name_count);
    table->count++;
    return (uint32_t)(log->name_count - 1);
}

/* ---- Lines -------------------------------------------------------------- */

/** Take a number and what stands behind it: a space, or the line's end. */
static bool take_number(char **at, uint64_t *number) {
    char *c = *at;
    *number = 0;
    if (*c < '0' || *c > '9')
        return false;
    for (; *c >= '0' && *c <= '9'; c++) {
        *number = *number * 10 + (uint64_t)(*c - '0');
        if (*number >= MOST)
            return false;
    }
    if (*c == ' ')
        c++;
    else if (*c)
        return false;
    *at = c;
    return true;
}

/** @return false: what follows the event's word is not what the event has. */
static bool take_event(struct life_log *log, struct table *names, struct life_event *event,
                       char *at) {
    uint64_t numbers[4] = {0};
    bool arena = life_is_arena(event->type);
    for (int i = 0; i < (arena ? 3 : 4); i++)
        if (!take_number(&at, &numbers[i]))
            return false;
    event->id = numbers[0];
    event->name = NO_NAME;
    if (arena) {
        event->bytes = (int64_t)numbers[1];
        event->held_bytes = (int64_t)numbers[2];
        event->name = name_index(log, names, at);
    } else {
        event->held_bytes = (int64_t)numbers[1];
        event->bytes = (int64_t)numbers[2];
        event->offheap_bytes = (int64_t)numbers[3];
    }
    if (log->event_count == log->event_room) {
        log->event_room = log->event_room * 2 + 1024;
        log->events = command_grow(log->events, log->event_room, sizeof(*log->events));
    }
    log->events[log->event_count++] = *event;
    return true;
}

/** @return false: it is damaged. Lines of events that are not known are skipped. */
static bool take_line(struct life_log *log, struct table *names, char *text) {
    uint64_t number;
    if (!take_number(&text, &number))
        return false;
    struct life_event event = {.time_ns = (int64_t)number};
    size_t length = strcspn(text, " ");
    char *rest = text + length + (text[length] == ' ');
    if (length == strlen(GAIT_ARENALOG_LOST) && memcmp(text, GAIT_ARENALOG_LOST, length) == 0) {
        if (!take_number(&rest, &number))
            return false;
        log->lost_lines += number;
        return log->lost_lines < MOST;
    }
    for (int type = 0; type < GAIT_ARENALOG_EVENTS; type++)
        if (length == strlen(WORDS[type]) && memcmp(text, WORDS[type], length) == 0) {
            event.type = (enum gait_arenalog_event)type;
            return take_event(log, names, &event, rest);
        }
    return length > 0;
}

static void check_first(const char *path, const char *text) {
    size_t length = strlen(GAIT_ARENALOG_FIRST);
    char *end;
    if (strncmp(text, GAIT_ARENALOG_FIRST, length) != 0)
        command_fail("%s: no arena log (GAIT_DEBUG=arenalog=FILE makes one)", path);
    long version = strtol(text + length, &end, 10);
    if (version != GAIT_ARENALOG_VERSION || (*end && *end != ' '))
        command_fail("%s: an arena log of another version than %d", path, GAIT_ARENALOG_VERSION);
}

static void read_lines(struct life_log *log, FILE *file, const char *path) {
    struct table names = {0};
    char *text = NULL;
    size_t size = 0;
    long line = 1;
    for (ssize_t got; (got = getline(&text, &size, file)) >= 0; line++) {
        bool whole = got > 0 && text[got - 1] == '\n';
        if (whole)
            text[got - 1] = '\0';
        if (line == 1)
            check_first(path, text);
        log->cut = !whole;
        if (line > 1 && whole && (strlen(text) != (size_t)got - 1 || !take_line(log, &names, text)))
            command_fail("%s:%ld: damaged: no line of an arena log", path, line);
    }
    if (ferror(file))
        command_fail("%s: %s", path, strerror(errno));
    if (line == 1)
        check_first(path, "");
    free(text);
    free(names.slots);
}

/* ---- What follows from the lines ---------------------------------------- */

static int by_time(const void *left, const void *right) {
    const struct life_event *a = left, *b = right;
    if (a->time_ns != b->time_ns)
        return a->time_ns < b->time_ns ? -1 : 1;
    return 0;
}

/** Sort by time; events of one moment stay as they were: no other sort is asked to be stable. */
static void sort(struct life_log *log) {
    size_t count = log->event_count;
    struct life_event *from = log->events, *to = command_allocate(count, sizeof(*to));
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t start = 0; start < count; start += 2 * width) {
            size_t middle = start + width < count ? start + width : count;
            size_t end = middle + width < count ? middle + width : count;
            size_t a = start, b = middle;
            for (size_t i = start; i < end; i++)
                to[i] = a < middle && (b == end || by_time(&from[a], &from[b]) <= 0) ? from[a++]
                                                                                     : from[b++];
        }
        struct life_event *sorted = to;
        to = from;
        from = sorted;
    }
    log->events = from;
    log->event_room = count;
    free(to);
}

/** Follow what each arena holds. One whose first lines are lost begins with the first that is
 * there.
 */
static void add_up(struct life_log *log) {
    struct table arenas = {0};
    double held_bytes = 0;
    for (size_t i = 0; i < log->event_count; i++) {
        struct life_event *event = &log->events[i];
        log->end_ns = event->time_ns;
        log->closed |= event->type == GAIT_ARENALOG_close;
        log->cycles += event->type == GAIT_ARENALOG_end;
        if (event->name == NO_NAME)
            continue;
        make_room(&arenas);
        uint64_t hash = mix(event->id);
        size_t at = hash & (arenas.room - 1);
        struct slot *slot = find(&arenas, hash, &at); /* mix loses nothing: equal means equal */
        int64_t before = slot ? (int64_t)slot->value - 1 : 0;
        event->change_bytes = event->held_bytes - before;
        if (slot) {
            slot->value = (uint64_t)event->held_bytes + 1;
        } else {
            put(&arenas, hash, (uint64_t)event->held_bytes + 1);
            arenas.count++;
        }
        struct life_name *name = &log->names[event->name];
        name->counts[event->type]++;
        name->held_bytes += (double)event->change_bytes;
        held_bytes += (double)event->change_bytes;
        if (name->held_bytes > name->peak_bytes) {
            name->peak_bytes = name->held_bytes;
            name->peak_ns = event->time_ns;
        }
        if (held_bytes > log->peak_bytes)
            log->peak_bytes = held_bytes;
    }
    free(arenas.slots);
}

void life_log_read(struct life_log *log, const char *path) {
    FILE *file = command_input(path);
    *log = (struct life_log){0};
    read_lines(log, file, path);
    if (file != stdin)
        fclose(file);
    sort(log);
    add_up(log);
}

void life_log_free(struct life_log *log) {
    for (size_t i = 0; i < log->name_count; i++)
        free(log->names[i].text);
    free(log->names);
    free(log->events);
}
