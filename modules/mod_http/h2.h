/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MOD_HTTP_H2_H
#define MOD_HTTP_H2_H

#include <nghttp2/nghttp2.h>

#include "edge.h"

/* What the files of HTTP/2 (h2*.c) share: a stream and the session it belongs to. What the
 * connection calls stands in edge.h. Everything belongs to the edge's thread. */

struct piece { /* of a streaming answer */
	struct piece *next;
	struct stoa_bytes *bytes;
	size_t at;
};

struct stream {
	struct conn *c;
	int32_t id;
	struct stoa_list link; /* h2.streams */

	/* the request's head: names and values one after the other in `text` */
	struct stoa_buf text;
	struct {
		uint32_t name_at, name_n, value_at, value_n;
	} fields[H1_HEADERS_MAX];
	unsigned n_fields;
	struct {
		uint32_t at, n;
	} method, path, authority;
	int refused; /* a status, before the head is complete */
	bool has_head, body_ended;

	struct request *req;
	bool dispatched, discards;
	struct waiter *waiter;
	size_t body_got, body_max;
	uint64_t body_began_ms, body_by_ms; /* by when its next piece must be here */
	uint64_t began_us;

	struct answer answer;
	bool answered, is_head_only, ended;
	struct piece *first, *last;
	size_t window_owed; /* bytes of an upload in the handler's hands */
};

struct h2 {
	nghttp2_session *session;
	struct stoa_list streams;
	unsigned n_streams;
	bool is_closing;
};

/* A part of the head. */
static inline struct stoa_str stream_text(const struct stream *s, uint32_t at, uint32_t n)
{
	return stoa_strn(s->text.p ? s->text.p + at : "", n);
}

/* ---- h2.c ---- */

/* The request loses its stream. */
void stream_drop_request(struct stream *s);

/* ---- h2_request.c ---- */

/* A field of the head, a pseudo field (RFC 9113 section 8.3.1) or another one. */
void stream_take_field(struct stream *s, const uint8_t *name, size_t name_n, const uint8_t *value,
		       size_t value_n);
/* The head is whole. */
void stream_take_head(struct stream *s);
void stream_take_data(struct stream *s, const uint8_t *p, size_t n);
void stream_end_body(struct stream *s);
/* Refuses a body that comes too slowly. Several times a second. */
void stream_tick(struct stream *s);

/* ---- h2_answer.c ---- */

extern const struct wire_ops stream_wire;

/* Sends s->answer. */
void stream_answer(struct stream *s);
/* Answers with a problem of this module's own. */
void stream_refuse(struct stream *s, int status, const char *error, const char *detail);
void stream_log(const struct stream *s, uint32_t method, int status, uint64_t n);

#endif
