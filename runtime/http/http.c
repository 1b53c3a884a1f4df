/* SPDX-License-Identifier: MIT */
/*
 * A heap over HTTP. See gait/http.h.
 *
 * libmicrohttpd listens in a thread of its own, and has one for each connection: a collection or a
 * snapshot that one asks for takes seconds, in which another is to have its metrics. An answer is
 * made as a whole before it is sent, so a slow reader holds up nothing of the heap; a client that
 * reads or asks nothing for TIMEOUT_S is dropped, and which may stay guests.h says.
 */
#include <gait/heap_snapshot.h>
#include <gait/http.h>
#include <gait/metrics.h>
#include <gait/pprof.h>

#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "address.h"
#include "guests.h"
#include "vars.h"

#define TIMEOUT_S 10u
#define COMPLAINT_US 20000
#define MEMORY_BYTES ((size_t)32 << 10) /* for each connection: what a request may be long */
/* A snapshot is none if a thread of the program's comes to no safepoint for so long: all others
 * would stand still meanwhile. As of those by GAIT_DEBUG=heapsnapshot. */
#define SILENT_NS INT64_C(1000000000)
#define SECONDS_MOST 600 /* of a profile of a stretch of time */
#define TEXT(number) TEXT_OF(number)
#define TEXT_OF(number) #number

struct gait_http {
    gait_heap *heap;
    struct MHD_Daemon *daemon;
    struct guests guests;
    bool loopback;
};

/* An answer that is being made. */
struct answer {
    struct gait_http *http;
    struct MHD_Connection *connection;
};

/* ---- Sending ---- */

static enum MHD_Result queue(const struct answer *answer, unsigned status, const char *type,
                             struct MHD_Response *response) {
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (status != MHD_HTTP_OK) /* `go tool pprof` shows the line of who says that he knows it */
        MHD_add_response_header(response, "X-Go-Pprof", "1");
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    enum MHD_Result result = MHD_queue_response(answer->connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result send_memory(const struct answer *answer, unsigned status, const char *type,
                                   void *bytes, size_t count) {
    struct MHD_Response *response =
        MHD_create_response_from_buffer(count, bytes, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(bytes);
        return MHD_NO;
    }
    return queue(answer, status, type, response);
}

static enum MHD_Result send_line(const struct answer *answer, unsigned status, const char *line) {
    char *copy = strdup(line);
    return copy ? send_memory(answer, status, "text/plain; charset=utf-8", copy, strlen(copy))
                : MHD_NO;
}

static enum MHD_Result send_no_memory(const struct answer *answer) {
    return send_line(answer, MHD_HTTP_SERVICE_UNAVAILABLE, "no memory\n");
}

/* No file in memory is available. */
static enum MHD_Result send_no_file(const struct answer *answer) {
    char line[128];
    snprintf(line, sizeof line, "no file in memory: %s\n", strerror(errno));
    return send_line(answer, MHD_HTTP_SERVICE_UNAVAILABLE, line);
}

/* ---- What is asked for ---- */

static const char *parameter(const struct answer *answer, const char *name) {
    const char *value =
        MHD_lookup_connection_value(answer->connection, MHD_GET_ARGUMENT_KIND, name);
    return value ? value : "";
}

static const char *field(const struct answer *answer, const char *name) {
    const char *value = MHD_lookup_connection_value(answer->connection, MHD_HEADER_KIND, name);
    return value ? value : "";
}

/* What gait_write_metrics writes, from a file in memory. NULL: no memory. */
static char *read_all(int file, size_t *count) {
    off_t end = lseek(file, 0, SEEK_END);
    char *bytes = end >= 0 ? malloc((size_t)end + 1) : NULL;
    if (bytes && pread(file, bytes, (size_t)end, 0) != end) {
        free(bytes);
        bytes = NULL;
    }
    *count = (size_t)end;
    return bytes;
}

static enum MHD_Result send_metrics(const struct answer *answer) {
    bool go = strcmp(parameter(answer, "names"), "go") == 0;
    bool open =
        !go && strstr(field(answer, MHD_HTTP_HEADER_ACCEPT), "application/openmetrics-text");
    unsigned format = go ? GAIT_METRICS_GO : (open ? GAIT_METRICS_OPEN : GAIT_METRICS_TEXT);
    int file = memfd_create("metrics", MFD_CLOEXEC);
    if (file < 0)
        return send_no_file(answer);
    size_t count;
    char *bytes = gait_write_metrics(answer->http->heap, file, format | GAIT_METRICS_PROCESS) == 0
                      ? read_all(file, &count)
                      : NULL;
    close(file);
    const char *type = open ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                            : "text/plain; version=0.0.4; charset=utf-8";
    return bytes ? send_memory(answer, MHD_HTTP_OK, type, bytes, count) : send_no_memory(answer);
}

static struct guest *guest_of(struct MHD_Connection *connection) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static void collect(gait_heap *heap) {
    gait_mutator *mutator = gait_attach(heap);
    if (!mutator)
        return;
    gait_collect(mutator);
    gait_detach(mutator);
}

static void see_samples(const gait_profile_site *site, void *seen) {
    if (site->alloc_bytes > 0)
        *(bool *)seen = true;
}

/* Nothing is sampled, and nothing was: somebody wants no profiles. */
static bool profiles_are_off(gait_heap *heap) {
    bool seen = false;
    if (gait_start_profile(heap) == 0)
        gait_read_profile(heap, see_samples, &seen);
    else
        seen = true;
    return !seen;
}

static void collect_if_asked(const struct answer *answer) {
    if (strcmp(parameter(answer, "gc"), "1") == 0)
        collect(answer->http->heap);
}

/* @return false: the guest was sent away. */
static bool make_profile(const struct answer *answer, unsigned view, void **bytes, size_t *count) {
    struct guests *guests = &answer->http->guests;
    collect_if_asked(answer);
    if (!guests_begin_turn(guests, guest_of(answer->connection)))
        return false;
    *bytes = gait_heap_profile(answer->http->heap, view, count);
    guests_end_turn(guests);
    return true;
}

static bool read_seconds(const char *text, int64_t *seconds) {
    char *end;
    errno = 0;
    *seconds = strtol(text, &end, 10);
    return !*end && !errno && *seconds > 0 && *seconds <= SECONDS_MOST;
}

/* Of the next seconds: others have their turns meanwhile. */
static bool make_delta(const struct answer *answer, unsigned view, int64_t seconds, void **bytes,
                       size_t *count) {
    struct guests *guests = &answer->http->guests;
    struct guest *guest = guest_of(answer->connection);
    collect_if_asked(answer);
    if (!guests_begin_turn(guests, guest))
        return false;
    gait_profile_delta *delta = gait_profile_delta_begin(answer->http->heap);
    guests_end_turn(guests);
    bool rested = guests_rest(guest, seconds * 1000000000);
    if (rested)
        collect_if_asked(answer);
    bool stays = rested && guests_begin_turn(guests, guest);
    if (delta)
        *bytes = gait_profile_delta_end(delta, view, stays ? count : NULL);
    if (stays)
        guests_end_turn(guests);
    return stays;
}

static enum MHD_Result send_profile(const struct answer *answer, unsigned view) {
    if (profiles_are_off(answer->http->heap))
        return send_line(answer, MHD_HTTP_NOT_FOUND,
                         "heap profiles are off: memprofilerate=0, of GAIT_DEBUG or set by the "
                         "program\n");
    size_t count = 0;
    void *bytes = NULL;
    int64_t seconds = 0;
    if (*parameter(answer, "seconds") && !read_seconds(parameter(answer, "seconds"), &seconds))
        return send_line(answer, MHD_HTTP_BAD_REQUEST,
                         "seconds: expected a whole number from 1 to " TEXT(SECONDS_MOST) "\n");
    bool stays = seconds > 0 ? make_delta(answer, view, seconds, &bytes, &count)
                             : make_profile(answer, view, &bytes, &count);
    if (!stays)
        return MHD_NO;
    return bytes ? send_memory(answer, MHD_HTTP_OK, "application/octet-stream", bytes, count)
                 : send_no_memory(answer);
}

static enum MHD_Result send_heap(const struct answer *answer) {
    return send_profile(answer, GAIT_PPROF_LIVE);
}

static enum MHD_Result send_allocs(const struct answer *answer) {
    return send_profile(answer, GAIT_PPROF_ALLOCATED);
}

/* Where Go has profiles of the CPU. */
static enum MHD_Result send_no_cpu(const struct answer *answer) {
    return send_line(answer, MHD_HTTP_NOT_FOUND,
                     "no profiles of the CPU are taken here: perf record -g -p PID takes them, and "
                     "names of functions say what is the collector's work\n");
}

/* A snapshot of V8's, or in the compact form, from a file in memory: it may be large, and is sent
 * from there. Made by a copy of the process, which no mutator waits for. */
static enum MHD_Result send_snapshot(const struct answer *answer) {
    if (!guests_take_snapshot(&answer->http->guests, guest_of(answer->connection)))
        return send_line(answer, MHD_HTTP_SERVICE_UNAVAILABLE,
                         "another snapshot is being taken or read\n");
    bool compact = strcmp(parameter(answer, "format"), "compact") == 0;
    gait_snapshot_options options;
    gait_snapshot_options_init(&options);
    options.format = compact ? GAIT_SNAPSHOT_COMPACT : GAIT_SNAPSHOT_V8;
    options.flags = GAIT_SNAPSHOT_FORK;
    options.silent_ns = SILENT_NS;
    if (strcmp(parameter(answer, "gc"), "1") == 0)
        collect(answer->http->heap);
    char error[256] = "no memory";
    options.error = error;
    options.error_bytes = sizeof error - 1;
    int file = memfd_create("snapshot", MFD_CLOEXEC);
    if (file < 0)
        return send_no_file(answer);
    struct MHD_Response *response = NULL;
    if (gait_write_snapshot(answer->http->heap, file, &options, NULL) == 0)
        response = MHD_create_response_from_fd64((uint64_t)lseek(file, 0, SEEK_END), file);
    if (!response) {
        close(file);
        strcat(error, "\n");
        return send_line(answer, MHD_HTTP_SERVICE_UNAVAILABLE, error);
    }
    MHD_add_response_header(response, "Content-Disposition",
                            compact ? "attachment; filename=\"gait.snapshot\""
                                    : "attachment; filename=\"gait.heapsnapshot\"");
    return queue(answer, MHD_HTTP_OK, compact ? "application/octet-stream" : "application/json",
                 response);
}

/* What a function writes to a stream in memory. */
static enum MHD_Result send_written(const struct answer *answer, const char *type,
                                    void (*write)(gait_heap *heap, FILE *out)) {
    char *bytes = NULL;
    size_t count = 0;
    FILE *out = open_memstream(&bytes, &count);
    if (!out)
        return send_no_memory(answer);
    write(answer->http->heap, out);
    if (fclose(out) != 0) {
        free(bytes);
        return send_no_memory(answer);
    }
    return send_memory(answer, MHD_HTTP_OK, type, bytes, count);
}

static enum MHD_Result send_vars(const struct answer *answer) {
    return send_written(answer, "application/json; charset=utf-8", vars_write);
}

static enum MHD_Result send_index(const struct answer *answer);

static const struct {
    const char *path, *text; /* NULL: not on the page */
    enum MHD_Result (*send)(const struct answer *answer);
} pages[] = {
    {"/", NULL, send_index},
    {"/metrics", "metrics, as Prometheus reads them", send_metrics},
    {"/metrics?names=go", "the same under the names of Go programs", NULL},
    {"/debug/pprof/", NULL, send_index},
    {"/debug/pprof/heap", "heap profile: what is live", send_heap},
    {"/debug/pprof/allocs", "heap profile: what was allocated", send_allocs},
    {"/debug/pprof/allocs?seconds=10", "the same of the next ten seconds", NULL},
    {"/debug/pprof/profile", NULL, send_no_cpu},
    {"/debug/gait/snapshot", "heap snapshot, for DevTools and memlab", send_snapshot},
    {"/debug/gait/snapshot?format=compact", "the same for gait-heap", NULL},
    {"/debug/vars", "figures, as JSON", send_vars},
};

#define PAGES (sizeof pages / sizeof pages[0])

static void write_index(gait_heap *heap, FILE *out) {
    (void)heap;
    fprintf(out, "<!DOCTYPE html>\n<title>Gait</title>\n<h1>Gait %s</h1>\n<ul>\n", gait_version());
    for (size_t i = 0; i < PAGES; i++)
        if (pages[i].text)
            fprintf(out, "<li><a href=\"%s\">%s</a>: %s\n", pages[i].path, pages[i].path,
                    pages[i].text);
    fprintf(out, "</ul>\n");
}

static enum MHD_Result send_index(const struct answer *answer) {
    return send_written(answer, "text/html; charset=utf-8", write_index);
}

static enum MHD_Result respond(void *data, struct MHD_Connection *connection, const char *path,
                               const char *method, const char *version, const char *upload,
                               size_t *upload_bytes, void **state) {
    (void)version, (void)upload;
    const struct answer answer = {data, connection};
    static char seen;
    if (!*state) { /* the head alone: what follows is read first */
        *state = &seen;
        return MHD_YES;
    }
    if (*upload_bytes > 0) {
        *upload_bytes = 0; /* nobody wants it */
        return MHD_YES;
    }
    if (answer.http->loopback && !address_names_itself(field(&answer, MHD_HTTP_HEADER_HOST)))
        return send_line(&answer, MHD_HTTP_FORBIDDEN, "Host: expected localhost or its address\n");
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return send_line(&answer, MHD_HTTP_METHOD_NOT_ALLOWED, "expected GET or HEAD\n");
    for (size_t i = 0; i < PAGES; i++)
        if (pages[i].send && strcmp(path, pages[i].path) == 0)
            return pages[i].send(&answer);
    return send_line(&answer, MHD_HTTP_NOT_FOUND, "no such page; / lists them\n");
}

/* ---- Who comes and goes ---- */

static void notice(void *data, struct MHD_Connection *connection, void **guest,
                   enum MHD_ConnectionNotificationCode what) {
    struct gait_http *http = data;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        guests_go(*guest);
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    *guest = info ? guests_come(&http->guests, info->connect_fd) : NULL;
}

static void answered(void *data, struct MHD_Connection *connection, void **state,
                     enum MHD_RequestTerminationCode why) {
    (void)data, (void)state, (void)why;
    guests_answered(guest_of(connection));
}

/* libmicrohttpd has something to say, which nobody reads. While the process has no descriptor left
 * it tries at once and again to take a connection, and says so each time: so whoever complains
 * rests. */
static void complaint(void *data, const char *format, va_list arguments) {
    (void)data, (void)format, (void)arguments;
    int error = errno; /* of a beginning that fails */
    usleep(COMPLAINT_US);
    errno = error;
}

/* ---- Beginning and end ---- */

static void say(char *error, size_t error_bytes, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void say(char *error, size_t error_bytes, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    if (error_bytes > 0)
        vsnprintf(error, error_bytes, format, arguments);
    va_end(arguments);
}

/* Its threads take no signals that are sent to the program; faults of their own stay open, so that
 * the program's handler says where. */
static struct MHD_Daemon *listen_at(struct gait_http *http, const union address *address) {
    const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT};
    sigset_t sent, before;
    sigfillset(&sent);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&sent, faults[i]);
    pthread_sigmask(SIG_BLOCK, &sent, &before);
    unsigned flags = MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD |
                     MHD_USE_THREAD_PER_CONNECTION | MHD_USE_ERROR_LOG;
    if (address->any.sa_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    struct MHD_Daemon *daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, respond, http, MHD_OPTION_EXTERNAL_LOGGER, complaint, NULL,
        MHD_OPTION_SOCK_ADDR, &address->any, MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_S,
        MHD_OPTION_CONNECTION_LIMIT, GUESTS_PLACES, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        MEMORY_BYTES, MHD_OPTION_NOTIFY_CONNECTION, notice, http, MHD_OPTION_NOTIFY_COMPLETED,
        answered, http, MHD_OPTION_END);
    int error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return daemon;
}

gait_http *gait_http_start(gait_heap *heap, const char *address_text, char *error,
                           size_t error_bytes) {
    union address address;
    if (!address_read(address_text, &address)) {
        say(error, error_bytes,
            "gait_http_start: \"%.80s\": expected an address and a port, as in 127.0.0.1:6060",
            address_text);
        return NULL;
    }
    if (!guests_begin()) {
        say(error, error_bytes, "gait_http_start: too many libraries belong to heaps");
        return NULL;
    }
    struct gait_http *http = calloc(1, sizeof *http);
    if (!http) {
        say(error, error_bytes, "gait_http_start: no memory");
        return NULL;
    }
    http->heap = heap;
    http->loopback = address_is_loopback(&address);
    errno = 0;
    http->daemon = listen_at(http, &address);
    if (!http->daemon) {
        say(error, error_bytes, "gait_http_start: can't listen at %.80s: %s", address_text,
            errno ? strerror(errno) : "no memory or thread");
        free(http);
        return NULL;
    }
    guests_open(&http->guests,
                MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_LISTEN_FD)->listen_fd);
    gait_start_profile(heap);
    return http;
}

unsigned gait_http_port(const gait_http *http) {
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info ? info->port : 0;
}

void gait_http_stop(gait_http *http) {
    if (!http)
        return;
    if (guests_close(&http->guests)) /* else its threads are not in this process */
        MHD_stop_daemon(http->daemon);
    free(http);
}
