/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets and local addresses. Called at start, on ctl. */
#ifndef SFU_NET_H
#define SFU_NET_H

#include "address.h"

#define NET_ADDRESSES_MAX 16

/** The addresses of the interfaces that are up, at most `cap`: all IPv4, and IPv6 that is neither
 *  link-local nor the loopback. Port and socket are 0. Yields how many; -errno of getifaddrs(). */
int net_local_addresses(struct address *out, int cap);

/** Numeric text of an address, without port. -EINVAL. */
int net_parse_address(const char *text, struct address *ret_a);
/** Is it 0.0.0.0 or ::? */
bool net_is_wildcard(const struct address *a);
void net_format_host(const struct address *a, char out[ADDRESS_TEXT]);

/** A non-blocking UDP socket bound to `a`, with buffers of about `buffer` bytes (the kernel's limit
 *  permitting). Errors of socket() and bind(). */
int net_bind(const struct address *a, int buffer, int *ret_fd);

#endif
