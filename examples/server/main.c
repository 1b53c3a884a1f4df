/* SPDX-License-Identifier: MIT */
/*
 * The server, and clients that check what it answers: main [clients [requests]].
 *
 * A client talks over a pair of sockets, as another process would. Names are a client's own, so it
 * knows what an answer must be: what it put last, or none, when another name has got the slot.
 */
#include "server.h"

#include <gait/stats.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS_MAX = 64, NAMES = 40, BLOB_MAX = 20000 };

struct client {
    pthread_t thread, connection;
    int near_end, far_end;
    unsigned index, requests;
    unsigned answered, none;
};

static void send_frame(int descriptor, const char *bytes, size_t length) {
    uint32_t header = (uint32_t)length;
    CHECK(write(descriptor, &header, sizeof header) == sizeof header);
    for (size_t done = 0; done < length;) {
        ssize_t put = write(descriptor, bytes + done, length - done);
        CHECK(put > 0);
        done += (size_t)put;
    }
}

static size_t receive_frame(int descriptor, char *bytes, size_t room) {
    uint32_t length = 0;
    CHECK(recv(descriptor, &length, sizeof length, MSG_WAITALL) == sizeof length);
    CHECK(length <= room);
    CHECK(length == 0 || recv(descriptor, bytes, length, MSG_WAITALL) == (ssize_t)length);
    return length;
}

/* What stands for a name after its n-th put: two fields, and a blob. */
static size_t content(char *to, unsigned name, unsigned puts) {
    int length = sprintf(to, "count %u\nowner client-%u\n\n", puts, name);
    size_t blob_bytes = (name * 7919 + puts * 104729) % BLOB_MAX;
    memset(to + length, 'a' + (int)(puts % 26), blob_bytes);
    return (size_t)length + blob_bytes;
}

static void *client_run(void *argument) {
    struct client *client = argument;
    unsigned puts[NAMES] = {0};
    uint32_t random = client->index + 1;
    char frame[BLOB_MAX + 400], got[BLOB_MAX + 400], wanted[BLOB_MAX + 400];
    for (unsigned i = 0; i < client->requests; i++) {
        random = random * 1664525 + 1013904223;
        unsigned at = (random >> 8) % NAMES, name = client->index * NAMES + at;
        bool put = random >> 28 < 8;
        int length = sprintf(frame, "%s name-%u\n", put ? "put" : "get", name);
        size_t all = (size_t)length + (put ? content(frame + length, name, ++puts[at]) : 0);
        send_frame(client->near_end, frame, all);
        size_t bytes = receive_frame(client->near_end, got, sizeof got);
        size_t wanted_bytes = put ? 2 : content(wanted, name, puts[at]);
        if (put)
            memcpy(wanted, "ok", 2);
        if (!put && bytes == 4 && memcmp(got, "none", 4) == 0) {
            client->none++;
            continue;
        }
        CHECK(bytes == wanted_bytes && memcmp(got, wanted, bytes) == 0);
        client->answered++;
    }
    close(client->near_end);
    return NULL;
}

static void start(struct client *client, unsigned index, unsigned requests) {
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    *client = (struct client){
        .near_end = ends[0], .far_end = ends[1], .index = index, .requests = requests};
    CHECK(!pthread_create(&client->connection, NULL, server_connection, &client->far_end));
    CHECK(!pthread_create(&client->thread, NULL, client_run, client));
}

int main(int argc, char **argv) {
    unsigned clients = argc > 1 ? (unsigned)atoi(argv[1]) : 4;
    unsigned requests = argc > 2 ? (unsigned)atoi(argv[2]) : 4000;
    static struct client all[CLIENTS_MAX];
    CHECK(clients <= CLIENTS_MAX);
    server_start();
    gait_mutator *mutator = gait_attach(server.heap);
    CHECK(mutator);
    cache_open(mutator);
    for (unsigned i = 0; i < clients; i++)
        start(&all[i], i, requests);
    unsigned answered = 0, none = 0;
    gait_enter_native(mutator);
    for (unsigned i = 0; i < clients; i++) {
        pthread_join(all[i].thread, NULL);
        pthread_join(all[i].connection, NULL);
        answered += all[i].answered;
        none += all[i].none;
    }
    gait_leave_native(mutator);
    CHECK(answered > 0 && answered + none == clients * requests);

    gait_stats stats = {.struct_bytes = sizeof stats};
    CHECK(gait_read_stats(server.heap, &stats) == 0);
    printf("%u requests answered, %u of unknown names; %llu cycles, %llu bytes in all at most\n",
           answered, none, (unsigned long long)stats.cycles,
           (unsigned long long)stats.peak_total_bytes);
    int tags[] = {server.receive, server.send, server.blobs};
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        printf("%s: %zu bytes off-heap\n", gait_offheap_tag_name(server.heap, tags[i]),
               gait_offheap_bytes(server.heap, tags[i]));
    CHECK(gait_offheap_bytes(server.heap, server.receive) == 0);
    CHECK(gait_offheap_bytes(server.heap, server.send) == 0);
    gait_detach(mutator);
    gait_heap_destroy(server.heap);
    return 0;
}
