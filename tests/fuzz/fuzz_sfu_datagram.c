/* SPDX-License-Identifier: Apache-2.0 */
/* Sorting of datagrams and the STUN server behind it. Nobody can guess the password here, so every
 * authentic check is a bug. */
#include "datagram.h"
#include "stun.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool look_up(void *user, struct stoa_str local, struct stoa_str remote,
		    struct stoa_str *ret_pwd)
{
	(void)user;
	(void)remote;
	*ret_pwd = stoa_str("a password that the corpus does not have");
	return local.n > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const struct address from = { .family = 4, .ip = { 192, 0, 2, 1 }, .port = 1 };
	static struct stun_server *server;
	struct stun_check check;

	if (!server && stun_server_new(&server))
		abort();
	if (datagram_classify(data, n) == DATAGRAM_STUN &&
	    stun_server_check(server, data, n, &from, look_up, NULL, &check) == 0)
		abort();
	return 0;
}
