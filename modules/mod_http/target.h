/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MOD_HTTP_TARGET_H
#define MOD_HTTP_TARGET_H

#include <stoa/base.h>

/* The request target: path into decoded segments, query into decoded values (RFC 3986). A "%2F"
 * stays inside its segment, so that routing sees what the client meant. */

#define TARGET_SEGMENTS_MAX 32

struct target {
	struct stoa_str path;  /* decoded and without dot segments; begins with '/'; NUL follows */
	struct stoa_str query; /* raw, without '?'                                             */
	/* of `path`, decoded; "/" is one empty segment, "/a/" is "a" and an empty one */
	struct stoa_str segments[TARGET_SEGMENTS_MAX];
	unsigned n_segments;
	bool has_slash; /* a segment holds a decoded '/': no file is named so */
};

/* Parses "path?query" into `ret`; the decoded path goes into `buf`, which needs target.n + 2 bytes.
 * Returns 0 or the HTTP status to refuse with. Pure. */
int target_parse(struct stoa_str target, char *buf, struct target *ret);

/* The value of the first `name` in a raw query, decoded into `buf` (query.n + 1 bytes, NUL-ended).
 * False when absent, or not decodable. Pure. */
bool target_query(struct stoa_str query, const char *name, char *buf, struct stoa_str *ret);

/* Decodes percent escapes, and '+' into a space where `plus`; returns the length or -EINVAL for a
 * broken escape or a control character. `out` may be `in.p`. Pure. */
int target_decode(struct stoa_str in, bool plus, char *out);

#endif
