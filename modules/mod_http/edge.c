/* SPDX-License-Identifier: Apache-2.0 */
/* The edge thread: makes its libwebsockets context and libuv loop, takes messages, ticks four times
 * a second, ends. Started and joined by module.c on ctl. */
#include <errno.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "edge.h"

#define TICK_MS 250u

static const struct lws_protocols protocols[] = {
	{ .name = "stoa", .callback = conn_callback },
	{ .name = NULL },
};

/* ---- turns of the loop ---- */

static void update_now(struct edge *e)
{
	e->now_ms = stoa_now_ms();
}

static void update_date(struct edge *e)
{
	char date[ANSWER_DATE_LEN];

	answer_date(time(NULL), date);
	e->date_n = (unsigned)snprintf(e->date, sizeof(e->date), "Date: %s\r\n", date);
}

static void on_posted(uv_async_t *a)
{
	struct edge *e = a->data;

	if (!e->is_released) /* a last wake-up may come later */
		stoa_loop_run_posted(e->loop);
}

static void on_before_poll(uv_prepare_t *p)
{
	struct edge *e = p->data;

	conns_flush(e);
	requests_hand_over(e);
}

static void on_tick(uv_timer_t *t)
{
	struct edge *e = t->data;

	update_now(e);
	update_date(e);
	waiters_tick(e);
	conns_tick(e);
}

static void wake_edge(void *user)
{
	struct edge *e = user;

	uv_async_send(&e->wake);
}

/* ---- making ---- */

static void log_lws(int level, const char *line)
{
	/* Its own words say "port in use" and the like; ours name the remedy. */
	if (level & LLL_ERR)
		stoa_log(NULL, STOA_LOG_DEBUG, "libwebsockets: %.*s", (int)strcspn(line, "\n"),
			 line);
}

static int make_context(struct edge *e)
{
	void *loops[1] = { &e->uv };
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN_SERVER,
		.protocols = protocols,
		.vhost_name = "edge",
		.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_LIBUV |
			   LWS_SERVER_OPTION_UV_NO_SIGSEGV_SIGFPE_SPIN,
		.gid = (gid_t)-1,
		.uid = (uid_t)-1,
		.count_threads = 1,
		.foreign_loops = loops, /* also keeps its signal handlers away */
		.pt_serv_buf_size = 65536,
		.server_string = "",
	};

	e->lws = lws_create_context(&info);
	e->vhost = e->lws ? lws_create_vhost(e->lws, &info) : NULL;
	return e->vhost ? 0 : -ENOMEM;
}

static int make_loop(struct edge *e)
{
	if (uv_loop_init(&e->uv) || uv_async_init(&e->uv, &e->wake, on_posted) ||
	    uv_prepare_init(&e->uv, &e->before_poll) || uv_timer_init(&e->uv, &e->tick))
		return -ENOMEM;
	e->wake.data = e->before_poll.data = e->tick.data = e;
	uv_prepare_start(&e->before_poll, on_before_poll);
	uv_timer_start(&e->tick, on_tick, TICK_MS, TICK_MS);
	return 0;
}

/* ---- ending ---- */

static void close_handle(uv_handle_t *h, void *wake)
{
	if (h != wake && !uv_is_closing(h))
		uv_close(h, NULL);
}

static void close_conns(struct edge *e)
{
	struct conn *c, *tmp;

	ws_close_all(e, NULL, 1001);
	stoa_list_for_each_safe (c, tmp, &e->conns, struct conn, link)
		conn_kill(c);
	conns_flush(e);
}

/* libwebsockets 4.1.6 cannot finish with a foreign libuv loop: its second step frees the context
 * with two handles in it whose closing has only begun, and unmaps the plugin their callbacks are in.
 * So only the first step is taken, which closes all sockets; we close the handles, and the empty
 * context stays, known here, for the moment that the process still lives. */
static struct lws_context *ended[EDGES_MAX];

static void unmake(struct edge *e)
{
	if (e->lws) {
		close_conns(e);
		requests_hand_over(e);
		ended[e->index] = e->lws;
		lws_context_destroy(e->lws);
	}
	if (e->loop)
		stoa_loop_release(e->loop);
	e->is_released = true;
	for (unsigned i = 0; i < 10; i++)
		uv_run(&e->uv, UV_RUN_NOWAIT);
	uv_unref((uv_handle_t *)&e->wake); /* stays: see join() */
	uv_walk(&e->uv, close_handle, &e->wake);
	while (uv_run(&e->uv, UV_RUN_DEFAULT))
		;
}

/* Waits for the thread. The handle that wakes it is closed only now: whoever posted the last message
 * may have been between the posting and the waking when the thread ended. Thread: ctl. */
static void join(struct edge *e)
{
	pthread_join(e->thread, NULL);
	uv_walk(&e->uv, close_handle, NULL);
	while (uv_run(&e->uv, UV_RUN_DEFAULT))
		;
	uv_loop_close(&e->uv);
}

static void *edge_main(void *arg)
{
	struct edge *e = arg;
	char name[16];

	snprintf(name, sizeof(name), "http-%u", e->index % 1000);
	e->start_error = make_loop(e);
	if (!e->start_error)
		e->start_error =
			stoa_loop_adopt(e->h->m, STOA_THREAD_NET, name, wake_edge, e, &e->loop);
	if (!e->start_error)
		e->start_error = make_context(e);
	update_now(e);
	update_date(e);
	if (e->start_error) {
		unmake(e);
		sem_post(&e->ready);
		return NULL;
	}
	sem_post(&e->ready);
	while (!e->stopping) {
		uv_run(&e->uv, UV_RUN_ONCE);
		update_now(e);
	}
	unmake(e);
	return NULL;
}

void edge_free(struct edge *e)
{
	if (!e)
		return;
	settings_unref(e->settings);
	route_table_unref(e->table);
	sem_destroy(&e->ready);
	free(e->target_buf);
	for (unsigned i = 0; i < LISTENERS_MAX; i++)
		SSL_CTX_free(e->ssl_ctx[i]);
	stoa_buf_free(&e->tls_out);
	free(e->scratch_block);
	free(e->plain);
	free(e);
}

static int edge_alloc(struct http *h, unsigned index, struct edge **ret)
{
	struct edge *e = calloc(1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->h = h;
	e->index = index;
	e->settings = settings_ref(h->settings);
	e->table = route_table_ref(h->table);
	stoa_list_init(&e->conns);
	stoa_list_init(&e->flush_list);
	stoa_list_init(&e->parked);
	sem_init(&e->ready, 0, 0);
	atomic_init(&e->n_conns, 0);
	e->target_cap = 66 * 1024;
	e->target_buf = malloc(e->target_cap);
	e->scratch_block = malloc(LWS_PRE + SCRATCH_SIZE);
	e->plain = malloc(SCRATCH_SIZE);
	for (unsigned i = 0; i < h->n_listeners; i++) {
		e->ssl_ctx[i] = h->listeners[i].ssl_ctx;
		if (e->ssl_ctx[i])
			SSL_CTX_up_ref(e->ssl_ctx[i]);
	}
	if (!e->target_buf || !e->scratch_block || !e->plain) {
		edge_free(e);
		return -ENOMEM;
	}
	e->scratch = e->scratch_block + LWS_PRE;
	*ret = e;
	return 0;
}

int edge_start(struct http *h, unsigned index, struct edge **ret_edge)
{
	sigset_t all, old;
	struct edge *e;
	int err;

	lws_set_log_level(LLL_ERR, log_lws);
	err = edge_alloc(h, index, &e);
	if (err)
		return err;
	sigfillset(&all); /* signals are the control thread's */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = -pthread_create(&e->thread, NULL, edge_main, e);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err) {
		edge_free(e);
		return err;
	}
	sem_wait(&e->ready);
	if (e->start_error) {
		err = e->start_error;
		join(e);
		edge_free(e);
		return err;
	}
	*ret_edge = e;
	return 0;
}

static void stop(struct edge *e, void *arg)
{
	(void)arg;
	e->stopping = true;
	uv_async_send(&e->wake); /* one more turn, so that the loop looks */
}

void edge_join(struct edge *e)
{
	if (!e)
		return;
	if (edge_call(e, stop, NULL) == 0)
		join(e);
}

/* ---- calls from ctl ---- */

struct call {
	struct stoa_task task;
	struct edge *e;
	edge_call_fn *fn;
	void *arg;
	sem_t done;
};

static void run_call(struct stoa_task *t)
{
	struct call *c = STOA_CONTAINER(t, struct call, task);

	c->fn(c->e, c->arg);
	sem_post(&c->done);
}

int edge_call(struct edge *e, edge_call_fn *fn, void *arg)
{
	struct call c = { .task.fn = run_call, .e = e, .fn = fn, .arg = arg };
	int err;

	sem_init(&c.done, 0, 0);
	err = stoa_post_task(e->loop, &c.task);
	while (!err && sem_wait(&c.done) < 0)
		;
	sem_destroy(&c.done);
	return err;
}
