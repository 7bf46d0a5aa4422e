/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MOD_HTTP_H1_H
#define MOD_HTTP_H1_H

#include <stoa/base.h>

/* The head of an HTTP/1.1 request (RFC 9112 sections 2 to 6) and its chunked body, sans I/O.
 * Strict where leniency lets two parties disagree about where a message ends. */

#define H1_HEADERS_MAX 100

struct h1_header {
	struct stoa_str name, value;
};

struct h1_head {
	uint32_t method;           /* a bit of enum stoa_http_method; 0: one we do not know */
	struct stoa_str target;    /* origin form, "*", or what follows the authority       */
	struct stoa_str authority; /* of an absolute-form target, else empty             */
	struct stoa_str host;
	struct h1_header headers[H1_HEADERS_MAX];
	unsigned n_headers;
	size_t len; /* bytes of the head, the empty line included */
	uint64_t content_length;
	bool is_http10, has_length, is_chunked, keep_alive;
	bool wants_upgrade; /* Upgrade: websocket, and Connection says so */
	bool expects_continue;
};

struct h1_limits {
	size_t line_max; /* request line         */
	size_t head_max; /* the whole head       */
};

/* Parses the head at the start of `buf`. `*scanned`, 0 for a new head, remembers between calls how
 * far the search for its end has come. Returns 0 when it is whole, -EAGAIN when more bytes are
 * needed, or the HTTP status to refuse with. The strings of `ret` point into `buf`. */
int h1_parse(const char *buf, size_t n, size_t *scanned, const struct h1_limits *limits,
	     struct h1_head *ret);

/* The first header of that lower-case name; empty when absent. */
struct stoa_str h1_header(const struct h1_head *h, const char *name);

/* Do the names match, letters in any case? */
bool h1_name_is(struct stoa_str name, const char *lower);

/* Is `token` (lower case) an element of a comma-separated list? */
bool h1_list_has(struct stoa_str list, const char *token);

/* Chunked bodies (RFC 9112 section 7.1). Zero-initialised is the start. */
struct h1_chunked {
	uint64_t left;  /* of the current chunk */
	uint8_t state;  /* the parser's own */
	uint8_t digits; /* of the size */
	uint16_t extra; /* bytes of extensions and trailers so far */
};

/* Takes bytes of `in`: yields a piece of the body in *ret_piece (maybe empty) and how many bytes
 * were consumed. Returns 0 to go on, 1 at the end of the body, or the HTTP status to refuse with. */
int h1_chunked_take(struct h1_chunked *c, struct stoa_str in, size_t *ret_used,
		    struct stoa_str *ret_piece);

#endif
