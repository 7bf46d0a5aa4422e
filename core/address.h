/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_CORE_ADDRESS_H
#define STOA_CORE_ADDRESS_H

#include <stoa/base.h>
#include <sys/socket.h>

struct address {
	struct sockaddr_storage sa;
	socklen_t len;
	bool is_dual; /* "*:port": [::] that takes IPv4 as well */
};

/** "127.0.0.1:7880", "[::1]:7880", "*:7880". No names: an address is not a question to the DNS.
 *  -EINVAL. */
int address_parse(struct stoa_str s, struct address *ret);
/** 0.0.0.0 with the same port: for machines without IPv6. */
void address_any4(struct address *a);

#endif
