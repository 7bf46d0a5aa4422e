/* SPDX-License-Identifier: Apache-2.0 */
/* ICE and DTLS of one peer, see peer_io.h. An address means nothing until a check with the peer's
 * own credentials has come from it; from then on its DTLS and SRTP are read, before nomination too,
 * because browsers send their ClientHello right after the first answer. */
#include "peer_io.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

STOA_DEFINE_AUTO(struct peer_io, peer_io_close)

static struct peer_io *of_consent(struct wheel_timer *t)
{
	return STOA_CONTAINER(t, struct peer_io, consent);
}

/* ---- sending outside the fan-out: STUN answers and DTLS ---- */

static void send_now(struct worker *w, const struct address *to, const uint8_t *p, size_t n)
{
	struct worker_socket *s = worker_socket_of(w, to);
	uint8_t *room = n <= OUTBOX_PACKET_MAX ? outbox_begin(s->outbox) : NULL;

	if (!room)
		return; /* the outbox counts */
	memcpy(room, p, n);
	outbox_commit(s->outbox, to, n);
}

/* ---- life ---- */

static void on_consent_timer(struct wheel_timer *timer, uint64_t now_us);
static void on_dtls_timer(struct wheel_timer *timer, uint64_t now_us);

static void set_credentials(struct peer_io *t, struct credentials *c, const struct peer_ice *ice)
{
	memcpy(c->ufrag, ice->local_ufrag, sizeof(c->ufrag));
	memcpy(c->pwd, ice->local_pwd, sizeof(c->pwd));
	memcpy(c->remote_ufrag, ice->remote_ufrag, sizeof(c->remote_ufrag));
	stoa_map_set(t->worker->by_ufrag, stoa_str(c->ufrag), t, NULL);
}

static void drop_credentials(struct peer_io *t, struct credentials *c)
{
	if (c->ufrag[0] && stoa_map_get(t->worker->by_ufrag, stoa_str(c->ufrag)) == t)
		stoa_map_remove(t->worker->by_ufrag, stoa_str(c->ufrag));
	OPENSSL_cleanse(c, sizeof(*c));
}

int peer_io_open(struct worker *w, struct command *c)
{
	struct peer_io *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->worker = w;
	t->peer = c->peer;
	t->want = *c->dtls;
	stoa_list_append(&w->peers, &t->in_worker);
	wheel_timer_init(&t->consent, on_consent_timer);
	wheel_timer_init(&t->dtls_timer, on_dtls_timer);
	set_credentials(t, &t->now, c->ice);
	peer_set_io(c->peer, t);
	return 0;
}

static void forget_path(struct peer_io *t, uint32_t i)
{
	struct worker *w = t->worker;

	if (address_map_get(&w->by_address, &t->paths[i].address) == t)
		address_map_remove(&w->by_address, &t->paths[i].address);
	if (w->last_io == t)
		w->last_io = NULL;
	t->paths[i] = t->paths[--t->n_paths];
}

static void end_shaking(struct peer_io *t)
{
	t->worker->handshakes -= t->is_shaking;
	t->is_shaking = false;
}

void peer_io_close(struct peer_io *t)
{
	if (!t)
		return;
	if (t->dtls) {
		dtls_close(t->dtls);
		t->worker->counters.dtls_data += dtls_counts(t->dtls).data_dropped;
	}
	end_shaking(t);
	wheel_cancel(&t->worker->wheel, &t->consent);
	wheel_cancel(&t->worker->wheel, &t->dtls_timer);
	while (t->n_paths)
		forget_path(t, 0);
	drop_credentials(t, &t->now);
	drop_credentials(t, &t->next);
	stoa_list_unlink(&t->in_worker);
	peer_set_io(t->peer, NULL);
	dtls_free(t->dtls);
	srtp_free(t->in);
	srtp_free(t->out);
	free(t);
}

void peer_io_restart_ice(struct peer_io *t, const struct peer_ice *ice)
{
	drop_credentials(t, &t->next); /* a second restart before the first was used */
	set_credentials(t, &t->next, ice);
}

static void lose(struct peer_io *t, enum peer_loss why)
{
	end_shaking(t);
	if (t->is_lost)
		return;
	t->is_lost = true;
	engine_peer_lost(t->worker->engine, t->peer, why, t->worker->now_us);
}

/* ---- ICE ---- */

static bool use_pwd(const struct credentials *c, struct stoa_str local, struct stoa_str remote,
		    struct stoa_str *ret_pwd)
{
	if (!c->ufrag[0] || !stoa_str_is(local, c->ufrag) ||
	    (c->remote_ufrag[0] && !stoa_str_is(remote, c->remote_ufrag)))
		return false;
	*ret_pwd = stoa_str(c->pwd);
	return true;
}

struct found { /* by the user name of a check */
	struct worker *worker;
	struct peer_io *t;
	bool is_next;
};

static bool look_up(void *user, struct stoa_str local, struct stoa_str remote,
		    struct stoa_str *ret_pwd)
{
	struct found *f = user;

	f->t = stoa_map_get(f->worker->by_ufrag, local);
	if (!f->t)
		return false;
	if (use_pwd(&f->t->now, local, remote, ret_pwd))
		return true;
	f->is_next = use_pwd(&f->t->next, local, remote, ret_pwd);
	return f->is_next;
}

static struct path *find_path(struct peer_io *t, const struct address *a)
{
	for (uint32_t i = 0; i < t->n_paths; i++)
		if (address_eq(&t->paths[i].address, a))
			return &t->paths[i];
	return NULL;
}

static void make_room(struct peer_io *t)
{
	uint32_t oldest = PATHS_MAX;

	if (t->n_paths < PATHS_MAX)
		return;
	for (uint32_t i = 0; i < t->n_paths; i++)
		if (!address_eq(&t->paths[i].address, &t->remote) &&
		    (oldest == PATHS_MAX || t->paths[i].checked_us < t->paths[oldest].checked_us))
			oldest = i;
	forget_path(t, oldest);
}

/* An authentic check came from `a`. If another session had this address (a page reloaded behind
 * the same port), it is the newer one's now. */
static int take_path(struct peer_io *t, const struct address *a, struct path **ret_path)
{
	struct worker *w = t->worker;
	struct peer_io *owner = address_map_get(&w->by_address, a);
	struct path *path = find_path(t, a);

	if (owner && owner != t)
		forget_path(owner, (uint32_t)(find_path(owner, a) - owner->paths));
	if (!path) {
		make_room(t);
		if (address_map_set(&w->by_address, a, t))
			return -ENOMEM;
		path = &t->paths[t->n_paths++];
		path->address = *a;
	}
	*ret_path = path;
	return 0;
}

static void start_consent(struct peer_io *t)
{
	if (!t->consent.due)
		wheel_set(&t->worker->wheel, &t->consent, t->worker->now_us + CONSENT_US);
}

static void on_consent_timer(struct wheel_timer *timer, uint64_t now_us)
{
	struct peer_io *t = of_consent(timer);

	if (now_us - t->checked_us >= CONSENT_US)
		lose(t, PEER_LOSS_ICE_TIMEOUT);
	else
		wheel_set(&t->worker->wheel, timer, t->checked_us + CONSENT_US);
}

static void begin_dtls(struct peer_io *t);

static void apply_check(struct peer_io *t, const struct stun_check *check,
			const struct address *from)
{
	struct worker *w = t->worker;
	struct path *path;

	if (take_path(t, from, &path))
		return;
	path->checked_us = t->checked_us = w->now_us;
	if (check->use_candidate || !t->remote.family)
		t->remote = *from;
	start_consent(t);
	if (t->is_lost && t->out && dtls_state(t->dtls) == DTLS_READY) {
		t->is_lost = false; /* consent came back before ctl gave up on the peer */
		engine_peer_connected(w->engine, t->peer, w->now_us);
	}
	if (t->want.is_client && !t->dtls) {
		t->dtls_from = *from;
		begin_dtls(t);
	}
}

void peer_io_stun(struct worker *w, const uint8_t *p, size_t n, const struct address *from)
{
	struct found f = { .worker = w };
	struct stun_check check;

	switch (stun_server_check(w->stun, p, n, from, look_up, &f, &check)) {
	case 0:
		break;
	case -ENOENT:
		w->counters.stun_unknown++;
		return;
	case -EBADMSG:
		w->counters.stun_forged++;
		return;
	default:
		w->counters.stun_malformed++;
		return;
	}
	w->counters.stun_checks++;
	if (check.reply_len)
		send_now(w, from, check.reply, check.reply_len);
	if (!check.is_authentic)
		return;
	if (f.is_next) {
		drop_credentials(f.t, &f.t->now);
		f.t->now = f.t->next;
		memset(&f.t->next, 0, sizeof(f.t->next));
	}
	apply_check(f.t, &check, from);
}

struct peer_io *peer_io_find(struct worker *w, const struct address *from)
{
	if (w->last_io && address_eq(&w->last_from, from))
		return w->last_io;
	w->last_io = address_map_get(&w->by_address, from);
	w->last_from = *from;
	return w->last_io;
}

/* ---- DTLS ---- */

static void send_dtls(void *user, const uint8_t *p, size_t n)
{
	struct peer_io *t = user;

	send_now(t->worker, &t->dtls_from, p, n);
}

static int take_keys(struct peer_io *t)
{
	struct dtls_keys keys;
	int err = dtls_export(t->dtls, &keys);

	if (err)
		return err;
	if (!(err = srtp_new(keys.profile, SRTP_IN, keys.in_key, keys.in_salt, &t->in)))
		err = srtp_new(keys.profile, SRTP_OUT, keys.out_key, keys.out_salt, &t->out);
	OPENSSL_cleanse(&keys, sizeof(keys));
	return err;
}

static void set_dtls_timer(struct peer_io *t)
{
	uint64_t now = t->worker->now_us, wait = dtls_wait_us(t->dtls);
	uint64_t due = wait == UINT64_MAX ? UINT64_MAX : now + wait;

	if (t->is_shaking && due > t->dtls_deadline_us)
		due = t->dtls_deadline_us;
	if (due == UINT64_MAX)
		wheel_cancel(&t->worker->wheel, &t->dtls_timer);
	else
		wheel_set(&t->worker->wheel, &t->dtls_timer, due);
}

/* What the connection's state means, after anything that may have changed it. */
static void follow_dtls(struct peer_io *t)
{
	struct worker *w = t->worker;
	enum dtls_state state = dtls_state(t->dtls);

	if (state == DTLS_READY && t->is_shaking) {
		end_shaking(t);
		if (take_keys(t)) {
			w->counters.dtls_failed++;
			lose(t, PEER_LOSS_DTLS_FAILED);
		} else {
			w->counters.dtls_ready++;
			t->is_lost = false;
			engine_peer_connected(w->engine, t->peer, w->now_us);
		}
	} else if (state == DTLS_FAILED && !t->is_lost) {
		w->counters.dtls_failed += t->is_shaking;
		lose(t, PEER_LOSS_DTLS_FAILED);
	} else if (state == DTLS_CLOSED && !t->is_lost) {
		lose(t, PEER_LOSS_CLOSED);
	}
	set_dtls_timer(t);
}

static void begin_dtls(struct peer_io *t)
{
	struct worker *w = t->worker;

	if (w->handshakes >= HANDSHAKES_MAX) {
		w->counters.dtls_refused++;
		return;
	}
	if (dtls_new(w->dtls, &t->want, send_dtls, t, &t->dtls)) {
		lose(t, PEER_LOSS_DTLS_FAILED);
		return;
	}
	t->is_shaking = true;
	t->dtls_deadline_us = w->now_us + HANDSHAKE_MAX_US;
	w->handshakes++;
	set_dtls_timer(t);
}

void peer_io_dtls(struct peer_io *t, const uint8_t *p, size_t n, const struct address *from)
{
	t->dtls_from = *from;
	if (!t->dtls)
		begin_dtls(t);
	if (!t->dtls)
		return;
	dtls_input(t->dtls, p, n);
	follow_dtls(t);
}

static void on_dtls_timer(struct wheel_timer *timer, uint64_t now_us)
{
	struct peer_io *t = STOA_CONTAINER(timer, struct peer_io, dtls_timer);

	if (t->is_shaking && now_us >= t->dtls_deadline_us) {
		t->worker->counters.dtls_failed++;
		lose(t, PEER_LOSS_DTLS_FAILED);
		return;
	}
	dtls_timeout(t->dtls);
	follow_dtls(t);
}

/* ---- SRTP coming in ---- */

static void count_refusal(struct worker_counters *c, int err)
{
	if (err == -EBADMSG)
		c->srtp_forged++;
	else if (err == -EALREADY)
		c->srtp_replayed++;
	else
		c->srtp_malformed++;
}

/* Decryption is what moves the packet from the receive buffer into the pool. */
void peer_io_rtp(struct peer_io *t, const uint8_t *p, size_t n, uint64_t arrived_us)
{
	struct worker *w = t->worker;
	struct packet *packet;
	size_t len;
	int err;

	if (!t->in) {
		w->counters.drop_early++;
		return;
	}
	if (n > PACKET_ROOM) {
		w->counters.drop_truncated++;
		return;
	}
	if (!(packet = packet_new(w->pool))) {
		w->counters.drop_no_packet++;
		return;
	}
	if ((err = srtp_unprotect(t->in, p, n, packet->data, &len, NULL))) {
		count_refusal(&w->counters, err);
		packet_unref(packet);
		return;
	}
	packet->len = (uint16_t)len;
	packet->arrived_us = arrived_us;
	engine_rtp(w->engine, t->peer, packet, w->now_us);
}

void peer_io_rtcp(struct peer_io *t, uint8_t *p, size_t n)
{
	struct worker *w = t->worker;
	size_t len;
	int err;

	if (!t->in) {
		w->counters.drop_early++;
		return;
	}
	if ((err = srtp_unprotect_rtcp(t->in, p, n, &len)))
		count_refusal(&w->counters, err);
	else
		engine_rtcp(w->engine, t->peer, p, len, w->now_us);
}
