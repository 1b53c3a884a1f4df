/* SPDX-License-Identifier: MIT */
/*
 * Where to listen: an address and a port as text.
 */
#ifndef GAIT_HTTP_ADDRESS_H
#define GAIT_HTTP_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

union address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
};

/** @return false: it is none. */
bool address_read(const char *text, union address *address);

/** Can only this machine come from there? */
bool address_is_loopback(const union address *address);

/** Does a request's Host field name this machine by an address, or as localhost? A page elsewhere
 * whose name was made to lead here, to read what only this machine may, can't have it so. */
bool address_names_itself(const char *host);

#endif
