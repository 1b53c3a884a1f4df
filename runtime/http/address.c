/* SPDX-License-Identifier: MIT */
/*
 * Where to listen. See address.h.
 */
#include "address.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PORT_DIGITS 5

/* @return false: it is no port. */
static bool read_port(const char *text, in_port_t *port) {
    size_t digits = strspn(text, "0123456789");
    unsigned long value = strtoul(text, NULL, 10);
    if (digits == 0 || digits > PORT_DIGITS || text[digits] || value > UINT16_MAX)
        return false;
    *port = htons((in_port_t)value);
    return true;
}

/* The part of host:port that is the host, without brackets. @return the port's text; NULL: too
 * long, or none. */
static const char *split(const char *text, char *host, size_t host_bytes) {
    const char *colon = strrchr(text, ':');
    size_t length = colon ? (size_t)(colon - text) : 0;
    bool brackets = length >= 2 && text[0] == '[' && text[length - 1] == ']';
    if (brackets) {
        text++;
        length -= 2;
    } else if (memchr(text, ':', length)) {
        return NULL; /* of IPv6, without brackets */
    }
    if (length >= host_bytes)
        return NULL;
    memcpy(host, text, length);
    host[length] = '\0';
    return colon ? colon + 1 : text;
}

bool address_read(const char *text, union address *address) {
    char host[INET6_ADDRSTRLEN + 1];
    const char *port = split(text, host, sizeof host);
    if (!port)
        return false;
    memset(address, 0, sizeof *address);
    if (strcmp(host, "") == 0 || strcmp(host, "localhost") == 0)
        strcpy(host, "127.0.0.1");
    if (inet_pton(AF_INET, host, &address->four.sin_addr) == 1) {
        address->four.sin_family = AF_INET;
        return read_port(port, &address->four.sin_port);
    }
    address->six.sin6_family = AF_INET6;
    return inet_pton(AF_INET6, host, &address->six.sin6_addr) == 1 &&
           read_port(port, &address->six.sin6_port);
}

bool address_is_loopback(const union address *address) {
    if (address->any.sa_family == AF_INET)
        return ntohl(address->four.sin_addr.s_addr) >> 24 == 127;
    return IN6_IS_ADDR_LOOPBACK(&address->six.sin6_addr);
}

bool address_names_itself(const char *host) {
    char with_port[INET6_ADDRSTRLEN + 16];
    union address address;
    const char *after = host[0] == '[' ? strchr(host, ']') : host;
    if (!after || strlen(host) > sizeof with_port - 4)
        return false;
    strcpy(with_port, host);
    if (!strchr(after, ':'))
        strcat(with_port, ":80");
    return with_port[0] != ':' && address_read(with_port, &address) &&
           address_is_loopback(&address);
}
