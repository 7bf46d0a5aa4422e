/* SPDX-License-Identifier: Apache-2.0 */
/* How a connection is opened. libpq resolves names and derives SCRAM keys in the calling thread, so
 * that is done on blk; ctl gets the connection when it is ready, in pipeline mode. */
#include "storage.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct dial {
	struct conn *conn;
	PGconn *pg;
	struct stoa_buf why;
};

static const struct {
	const char *user, *password; /* options; unset: the owner's */
	const char *role;            /* NULL: the one logged in as  */
} logins[LOGIN_N] = {
	[LOGIN_OWNER] = { "user", "password", NULL },
	[LOGIN_APP] = { "app-user", "app-password", "stoa_app" },
	[LOGIN_SERVICE] = { "service-user", "service-password", "stoa_service" },
};

/* ---- settings ---- */

static void set(struct settings *s, const char *key, const char *fmt, ...) STOA_PRINTF(3, 4);

static void set(struct settings *s, const char *key, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (s->n < SETTINGS_MAX - 1 && vasprintf(&s->values[s->n], fmt, ap) >= 0)
		s->keys[s->n++] = key;
	va_end(ap);
}

static void set_from(struct settings *s, const char *key, const struct stoa_conf *c,
		     const char *option)
{
	if (stoa_conf_is_set(c, option) || stoa_conf_string(c, option)[0])
		set(s, key, "%s", stoa_conf_string(c, option));
}

/* What the text of values depends on is fixed here and nowhere else. */
static void set_session(struct settings *s, const struct stoa_conf *c, enum login who)
{
	long long ms = stoa_conf_duration_ms(c, "deadline");

	if (!logins[who].role) {
		set(s, "options", "-c TimeZone=UTC -c DateStyle=ISO -c lock_timeout=60000");
		return;
	}
	set(s, "options",
	    "-c role=%s -c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=iso_8601 "
	    "-c extra_float_digits=1 -c bytea_output=hex -c standard_conforming_strings=on "
	    "-c statement_timeout=%lld -c idle_in_transaction_session_timeout=%lld "
	    "-c default_transaction_isolation=read\\ committed -c synchronous_commit=on",
	    logins[who].role, ms, 2 * ms);
}

int settings_read(const struct stoa_conf *c, enum login who, struct settings *s)
{
	bool is_own = who != LOGIN_OWNER && stoa_conf_is_set(c, logins[who].user);
	struct stoa_str password =
		stoa_conf_secret(c, is_own ? logins[who].password : logins[LOGIN_OWNER].password);

	settings_free(s);
	set_from(s, "host", c, "host");
	set(s, "port", "%lld", (long long)stoa_conf_int(c, "port"));
	set_from(s, "dbname", c, "dbname");
	set_from(s, "user", c, is_own ? logins[who].user : logins[LOGIN_OWNER].user);
	if (password.n)
		set(s, "password", "%.*s", STOA_FMT(password));
	set_from(s, "passfile", c, "passfile");
	set_from(s, "sslmode", c, "sslmode");
	set_from(s, "sslrootcert", c, "sslrootcert");
	set(s, "connect_timeout", "%s", "3");
	set(s, "keepalives_idle", "%s", "10");
	set(s, "keepalives_interval", "%s", "5");
	set(s, "keepalives_count", "%s", "3");
	set(s, "tcp_user_timeout", "%lld", 2 * (long long)stoa_conf_duration_ms(c, "deadline"));
	set(s, "client_encoding", "%s", "UTF8");
	set(s, "application_name", "%s", "stoa");
	set_session(s, c, who);
	return s->n ? 0 : -ENOMEM;
}

void settings_free(struct settings *s)
{
	for (size_t i = 0; i < s->n; i++) {
		/* the password among them */
		explicit_bzero(s->values[i], strlen(s->values[i]));
		free(s->values[i]);
	}
	memset(s, 0, sizeof(*s));
}

/* ---- opening ---- */

/* A migration says with NOTICE what was there already. */
static void ignore_notice(void *user, const PGresult *r)
{
	(void)user, (void)r;
}

PGconn *connect_now(const struct settings *s, struct stoa_buf *why)
{
	PGconn *pg = PQconnectdbParams(s->keys, (const char *const *)s->values, 0);
	const char *said;

	if (pg && PQstatus(pg) == CONNECTION_OK) {
		PQsetNoticeReceiver(pg, ignore_notice, NULL);
		return pg;
	}
	said = pg ? PQerrorMessage(pg) : "out of memory";
	stoa_buf_add(why, said, strcspn(said, "\n"));
	PQfinish(pg);
	return NULL;
}

static void open_it(void *user)
{
	struct dial *d = user;

	d->pg = connect_now(&d->conn->st->settings[d->conn->pool->who], &d->why);
}

static void on_opened(void *user)
{
	struct dial *d = user;
	struct conn *c = d->conn;

	c->state = CONN_DOWN;
	if (c->st->is_ending) {
		PQfinish(d->pg);
	} else if (!d->pg || conn_adopt(c, d->pg)) {
		c->backoff_ms = c->backoff_ms ? c->backoff_ms * 2 : 100;
		if (c->backoff_ms > STORAGE_BACKOFF_MS)
			c->backoff_ms = STORAGE_BACKOFF_MS;
		stoa_timer_set(c->timer, c->backoff_ms);
		pool_changed(c->st, d->why.n ? d->why.p : "out of memory");
	}
	stoa_buf_free(&d->why);
	free(d);
}

void conn_dial(struct conn *c)
{
	struct dial *d = calloc(1, sizeof(*d));

	if (d) {
		d->conn = c;
		c->state = CONN_DIALLING;
		if (stoa_work(c->st->m, open_it, on_opened, d) == 0)
			return;
		c->state = CONN_DOWN;
		free(d);
	}
	stoa_timer_set(c->timer, STORAGE_BACKOFF_MS);
}
