/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MOD_METRICS_MODULE_H
#define MOD_METRICS_MODULE_H

#include <stoa/base.h>
#include <stoa/util.h>

enum access { ACCESS_LOCAL, ACCESS_TOKEN, ACCESS_ALL }; /* in the order of the option's choices */

/** What a request for /metrics shows of itself. */
struct asker {
	const char *peer;          /* numeric address */
	struct stoa_str forwarded; /* Forwarded or X-Forwarded-For: empty when not proxied */
	struct stoa_str authorization;
};

/** May they read the metrics? */
bool access_check(enum access access, struct stoa_str token, const struct asker *a);

/** Appends process_… as client libraries of Prometheus name them. */
void process_add(struct stoa_buf *out);

#endif
