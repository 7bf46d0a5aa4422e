/* SPDX-License-Identifier: Apache-2.0 */
/* One turn of a worker: receive a batch, sort and decrypt it, let the engine decide, encrypt, send
 * everything at once. */
#include "metrics.h"
#include "peer_io.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUNDS_MAX     8 /* batches from one socket before the others have their turn */
#define COUNT_EVERY_US 1000000

struct worker_socket *worker_socket_of(struct worker *w, const struct address *a)
{
	return &w->sockets[a->socket];
}

/* ---- the end of a turn ---- */

static void set_timer(struct worker *w, uint64_t due_us)
{
	if (due_us >= w->timer_due_us)
		return; /* it fires before that and is then set anew */
	w->timer_due_us = due_us;
	stoa_timer_set(w->timer, due_us > w->now_us ? (due_us - w->now_us + 999) / 1000 : 0);
}

static void flush_sockets(struct worker *w)
{
	for (uint32_t i = 0; i < w->n_sockets; i++) {
		struct worker_socket *s = &w->sockets[i];
		bool is_blocked = outbox_flush(s->outbox);

		if (is_blocked != s->is_blocked)
			stoa_fd_set(s->watch, STOA_FD_READ | (is_blocked ? STOA_FD_WRITE : 0));
		s->is_blocked = is_blocked;
	}
}

static void end_turn(struct worker *w)
{
	uint64_t due = engine_tick(w->engine, w->now_us), wheel_due = wheel_next(&w->wheel);

	flush_sockets(w);
	set_timer(w, due < wheel_due ? due : wheel_due);
}

static void on_timer(void *user)
{
	struct worker *w = user;

	w->timer_due_us = UINT64_MAX;
	w->now_us = stoa_now_us();
	wheel_run(&w->wheel, w->now_us);
	end_turn(w);
}

static void on_count_timer(struct wheel_timer *timer, uint64_t now_us)
{
	struct worker *w = STOA_CONTAINER(timer, struct worker, count_timer);

	wheel_set(&w->wheel, timer, now_us + COUNT_EVERY_US);
	metrics_count(w);
}

/* ---- receiving ---- */

static void take_datagram(struct worker *w, const struct datagram_in *d)
{
	enum datagram kind = datagram_classify(d->p, d->n);
	struct peer_io *t;

	w->counters.datagrams_in++;
	w->counters.bytes_in += d->n;
	if (d->is_cut) {
		w->counters.drop_truncated++;
		return;
	}
	if (kind == DATAGRAM_STUN) {
		peer_io_stun(w, d->p, d->n, &d->from);
		return;
	}
	if (kind == DATAGRAM_JUNK) {
		w->counters.drop_junk++;
		return;
	}
	if (!(t = peer_io_find(w, &d->from)))
		w->counters.drop_unchecked++;
	else if (kind == DATAGRAM_RTP)
		peer_io_rtp(t, d->p, d->n, w->now_us - d->age_us);
	else if (kind == DATAGRAM_RTCP)
		peer_io_rtcp(t, d->p, d->n);
	else
		peer_io_dtls(t, d->p, d->n, &d->from);
}

static bool receive(struct worker_socket *s)
{
	struct worker *w = s->worker;
	struct datagram_in d;
	bool has_more;

	inbox_receive(w->inbox, s->fd, s->index, &has_more);
	w->now_us = stoa_now_us();
	while (inbox_next(w->inbox, &d))
		take_datagram(w, &d);
	return has_more;
}

static void on_socket(int fd, uint32_t events, void *user)
{
	struct worker_socket *s = user;

	(void)fd;
	if (events & STOA_FD_READ) {
		for (int round = 0; round < ROUNDS_MAX && receive(s); round++)
			;
	} else {
		s->worker->now_us = stoa_now_us();
	}
	end_turn(s->worker);
}

/* ---- commands from ctl ---- */

static void finish_on_ctl(struct stoa_task *task)
{
	command_finish(STOA_CONTAINER(task, struct command, task));
}

static void apply_to_peer_io(struct worker *w, struct command *c)
{
	struct peer_io *t = c->type == COMMAND_PEER_OPEN ? NULL : peer_io(c->peer);

	if (c->type == COMMAND_PEER_OPEN)
		peer_io_open(w, c); /* out of memory: it will never connect, and ctl gives up */
	else if (c->type == COMMAND_PEER_ICE && t)
		peer_io_restart_ice(t, c->ice);
	else if (c->type == COMMAND_PEER_CLOSE)
		peer_io_close(t);
}

static void run_command(struct stoa_task *task)
{
	struct command *c = STOA_CONTAINER(task, struct command, task);
	struct worker *w = c->worker;

	w->now_us = stoa_now_us();
	if (c->type == COMMAND_PEER_OPEN || c->type == COMMAND_PEER_ICE ||
	    c->type == COMMAND_PEER_CLOSE)
		apply_to_peer_io(w, c);
	engine_apply(w->engine, c, w->now_us);
	end_turn(w);
	c->task.fn = finish_on_ctl;
	if (stoa_post_task(stoa_ctl(), &c->task))
		command_finish(c); /* ctl has ended: nobody else can */
}

void worker_post(struct worker *w, struct command *c)
{
	c->worker = w;
	c->task.fn = run_command;
	if (stoa_post_task(w->loop, &c->task))
		command_finish(c);
}

/* ---- what the engine asks for ---- */

static void out_rtp(void *io, struct peer *peer, const struct send_rtp *s)
{
	struct peer_io *t = peer_io(peer);

	(void)io;
	if (t)
		peer_io_send_rtp(t, s);
}

static void out_rtcp(void *io, struct peer *peer, const uint8_t *bytes, size_t n)
{
	struct peer_io *t = peer_io(peer);

	(void)io;
	if (t)
		peer_io_send_rtcp(t, bytes, n);
}

static void out_notify(void *io, const struct notice *n)
{
	struct worker *w = io;
	uint32_t in = atomic_load_explicit(&w->notices_in, memory_order_relaxed);

	if (in - atomic_load_explicit(&w->notices_out, memory_order_acquire) == WORKER_NOTICES) {
		w->counters.notices_lost++;
		return;
	}
	w->notices[in % WORKER_NOTICES] = *n;
	atomic_store_explicit(&w->notices_in, in + 1, memory_order_release);
	if (!atomic_exchange(&w->is_announced, true))
		stoa_post_task(stoa_ctl(), &w->notice_task);
}

static const struct engine_out engine_to_worker = {
	.rtp = out_rtp,
	.rtcp = out_rtcp,
	.notify = out_notify,
};

bool worker_take_notice(struct worker *w, struct notice *ret_notice)
{
	uint32_t out = atomic_load_explicit(&w->notices_out, memory_order_relaxed);

	if (out == atomic_load_explicit(&w->notices_in, memory_order_acquire))
		return false;
	*ret_notice = w->notices[out % WORKER_NOTICES];
	atomic_store_explicit(&w->notices_out, out + 1, memory_order_release);
	return true;
}

/* ---- life ---- */

static void worker_free(struct worker *w)
{
	if (!w)
		return;
	engine_free(w->engine);
	packet_pool_free(w->pool);
	for (uint32_t i = 0; i < w->n_sockets; i++) {
		outbox_free(w->sockets[i].outbox);
		close(w->sockets[i].fd);
	}
	inbox_free(w->inbox);
	stun_server_free(w->stun);
	address_map_reset(&w->by_address);
	stoa_map_free(w->by_ufrag);
	free(w->notices);
	free(w);
}
STOA_DEFINE_AUTO(struct worker, worker_free)

static void tell_ctl(struct stoa_task *task)
{
	struct worker *w = STOA_CONTAINER(task, struct worker, notice_task);

	atomic_store(&w->is_announced, false);
	if (w->is_orphan)
		worker_free(w);
	else
		w->on_notices(w);
}

/* The first thing on the worker's thread: timers and watchers are made where they are used. */
static void begin(void *user)
{
	struct worker *w = user;

	w->timer = stoa_timer_new(w->mod, on_timer, w);
	for (uint32_t i = 0; i < w->n_sockets; i++)
		w->sockets[i].watch = stoa_fd_new(w->mod, w->sockets[i].fd, STOA_FD_READ, on_socket,
						  &w->sockets[i]);
	w->now_us = stoa_now_us();
	wheel_timer_init(&w->count_timer, on_count_timer);
	wheel_set(&w->wheel, &w->count_timer, w->now_us + COUNT_EVERY_US);
	end_turn(w);
}

static void end(void *user)
{
	struct worker *w = user;

	while (!stoa_list_empty(&w->peers))
		peer_io_close(STOA_CONTAINER(w->peers.next, struct peer_io, in_worker));
	flush_sockets(w);
	metrics_count(w);
	for (uint32_t i = 0; i < w->n_sockets; i++)
		stoa_fd_free(w->sockets[i].watch);
	stoa_timer_free(w->timer);
}

static int open_sockets(struct worker *w, const struct worker_settings *s, uint32_t *ret_bad)
{
	int err;

	for (uint32_t i = 0; i < s->n_bind; i++) {
		struct worker_socket *ws = &w->sockets[w->n_sockets];

		*ret_bad = i;
		if ((err = net_bind(&s->bind[i], s->buffer, &ws->fd)))
			return err;
		inbox_prepare_socket(ws->fd);
		ws->address = s->bind[i];
		ws->worker = w;
		ws->index = (uint8_t)w->n_sockets++;
		if ((err = outbox_new(ws->fd, &ws->outbox)))
			return err;
	}
	return 0;
}

static int make_parts(struct worker *w)
{
	uint64_t seed;
	int err;

	stoa_random(&seed, sizeof(seed));
	w->now_us = stoa_now_us();
	wheel_init(&w->wheel, w->now_us);
	address_map_init(&w->by_address, seed);
	if (!(w->by_ufrag = stoa_map_new()) ||
	    !(w->notices = calloc(WORKER_NOTICES, sizeof(*w->notices))))
		return -ENOMEM;
	if ((err = inbox_new(&w->inbox)) || (err = stun_server_new(&w->stun)) ||
	    (err = packet_pool_new(WORKER_PACKETS, &w->pool)))
		return err;
	return engine_new(&engine_to_worker, w, w->pool, w->now_us, &w->engine);
}

int worker_start(const struct worker_settings *s, uint32_t *ret_bad, struct worker **ret_worker)
{
	stoa_auto(worker_free) struct worker *w = calloc(1, sizeof(*w));
	char name[16];
	int err;

	stoa_assert_thread(STOA_THREAD_CTL);
	if (!w)
		return -ENOMEM;
	w->mod = s->mod;
	w->dtls = s->dtls;
	w->index = s->index;
	w->timer_due_us = UINT64_MAX;
	w->on_notices = s->on_notices;
	w->user = s->user;
	w->notice_task.fn = tell_ctl;
	stoa_list_init(&w->peers);
	snprintf(name, sizeof(name), "med-%u", s->index);
	if ((err = open_sockets(w, s, ret_bad)) || (err = make_parts(w)) ||
	    (err = stoa_loop_start(s->mod, STOA_THREAD_MED, name, &w->loop)))
		return err;
	if ((err = stoa_post(w->loop, begin, w))) {
		stoa_loop_join(w->loop);
		return err;
	}
	*ret_worker = stoa_take(w);
	return 0;
}

void worker_stop(struct worker *w)
{
	stoa_assert_thread(STOA_THREAD_CTL);
	if (!w)
		return;
	stoa_post(w->loop, end, w);
	stoa_loop_join(w->loop);
	w->is_orphan = true;
	if (!atomic_load(&w->is_announced))
		worker_free(w); /* else ctl's inbox still holds the task: that frees */
}
