/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MOD_HTTP_ANSWER_H
#define MOD_HTTP_ANSWER_H

#include <stoa/iface/http.h>

/* An answer before it is bytes of either protocol: status, header lines, and a body from memory or
 * from a file. Made on the handler's thread, sent by the edge. */

struct answer {
	int status;
	struct stoa_buf lines;     /* "Name: value\r\n" each, without framing and Date */
	struct stoa_bytes *shared; /* more lines, ready made, referenced; may be NULL */
	struct stoa_bytes *body;   /* referenced; NULL: none */
	int file;                  /* a descriptor, owned; -1: none */
	uint64_t at, n;            /* the part of body or file to send */
	bool is_stream;            /* pieces follow, of unknown length */
	bool close;                /* the connection ends after it */
};

void answer_init(struct answer *a, int status);
void answer_clear(struct answer *a);

/* Adds a header; false (nothing added) when name or value could break out of its line. */
bool answer_add(struct answer *a, const char *name, const char *value);
void answer_add_number(struct answer *a, const char *name, uint64_t value);

/* Makes it a problem document (RFC 9457). */
void answer_problem(struct answer *a, const struct stoa_http_problem *p);
/* The same in short, for what this module says itself. */
void answer_refuse(struct answer *a, int status, const char *error, const char *detail);

/* The reason phrase; never NULL. */
const char *answer_reason(int status);

/* May the status have a body (RFC 9110 section 6.4.1)? */
bool answer_may_have_body(int status);

/* "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" style values (RFC 9110 section 5.6.7). */
#define ANSWER_DATE_LEN 30
void answer_date(int64_t unix_s, char out[ANSWER_DATE_LEN]);
/* Parses the preferred form; -EINVAL. */
int answer_date_parse(struct stoa_str s, int64_t *ret_unix_s);

/* Does an If-None-Match or If-Match list contain the entity tag (weak comparison)? */
bool answer_etag_matches(struct stoa_str list, struct stoa_str etag);

#endif
