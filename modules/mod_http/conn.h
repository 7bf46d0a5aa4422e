/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MOD_HTTP_CONN_H
#define MOD_HTTP_CONN_H

#include "edge.h"

/* What the files of an HTTP/1.1 connection (conn*.c) share. The connection itself, and what others
 * may do with it, stands in edge.h. Everything belongs to the edge's thread. */

#define NEVER UINT64_MAX /* a deadline that does not come */

/* ---- conn_input.c ---- */

/* Consumes what has been read as far as the connection's state allows. */
void conn_take_input(struct conn *c);

/* ---- conn_head.c: true when there is more to do with what has been read ---- */

bool conn_take_head(struct conn *c);
/* The head is done with; what came behind it is next. */
void conn_consume_head(struct conn *c);
/* Does enough wait for the client? One that sends requests and does not read their answers is owed
 * no more memory and no more open files. */
bool conn_is_backlogged(const struct conn *c);

/* ---- conn_body.c: the same ---- */

bool conn_take_body(struct conn *c);
bool conn_take_discard(struct conn *c);
/* Ends the request in work for the sake of its body. */
void conn_refuse_body(struct conn *c, int status);

/* ---- conn_answer.c ---- */

/* The exchange is over once its answer is queued. */
void conn_finish(struct conn *c);
/* Answers the head in `c->head` with what this module made itself. */
void conn_answer(struct conn *c, struct answer *a);
/* The request could not be understood or taken: says so and closes. */
void conn_refuse(struct conn *c, int status);

#endif
