/* SPDX-License-Identifier: Apache-2.0 */
/* One line per answered request, at level info, when access-log is on. The query is left out: it
 * holds LiveKit's join tokens. */
#include "http.h"

void access_log(struct http *h, const struct settings *s, const char *peer, uint32_t method,
		struct stoa_str target, int status, uint64_t bytes, uint64_t began_us)
{
	const char *question = target.n ? memchr(target.p, '?', target.n) : NULL;
	uint64_t took_us = began_us ? stoa_now_us() - began_us : 0;

	if (!s->access_log)
		return;
	if (question)
		target.n = (size_t)(question - target.p);
	if (target.n > 512)
		target.n = 512;
	stoa_log(h->m, STOA_LOG_INFO, "%s \"%s %.*s\" %d %llu bytes in %llu.%03llu ms", peer,
		 method_name(method), STOA_FMT(target), status, (unsigned long long)bytes,
		 (unsigned long long)(took_us / 1000), (unsigned long long)(took_us % 1000));
}
