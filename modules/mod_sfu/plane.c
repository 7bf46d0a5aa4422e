/* SPDX-License-Identifier: Apache-2.0 */
/* Starts the workers on their ports, tells the model where clients find them, and carries commands
 * and notices between the two. */
#include "plane.h"

#include <errno.h>
#include <stdlib.h>
#include <stoa/conf.h>
#include <stoa/log.h>
#include <stoa/loop.h>

struct media_plane {
	struct plane plane; /* what the model sees */
	struct stoa_mod *mod;
	struct model *model;
	struct dtls_ctx *dtls;
	struct worker *workers[WORKERS_MAX];
	uint32_t n_workers;
	struct plane_address addresses[WORKERS_MAX][NET_ADDRESSES_MAX];
	const struct plane_address *address_lists[WORKERS_MAX];
	uint32_t n_addresses[WORKERS_MAX];
	struct stoa_task wake_task;
	bool is_awake;  /* wake_task is in ctl's inbox */
	bool is_orphan; /* stopped; wake_task frees    */
};

/* ---- what the model calls ---- */

static void post(void *io, uint32_t worker, struct command *c)
{
	struct media_plane *p = io;

	worker_post(p->workers[worker % p->n_workers], c);
}

static void flush_model(struct stoa_task *task)
{
	struct media_plane *p = STOA_CONTAINER(task, struct media_plane, wake_task);

	p->is_awake = false;
	if (p->is_orphan)
		free(p);
	else
		model_flush(p->model);
}

static void wake(void *io)
{
	struct media_plane *p = io;

	if (!p->is_awake)
		p->is_awake = stoa_post_task(stoa_ctl(), &p->wake_task) == 0;
}

static uint64_t tell_time(void *io)
{
	(void)io;
	return stoa_now_ms();
}

static void on_notices(struct worker *w)
{
	struct media_plane *p = w->user;
	struct notice n;

	while (worker_take_notice(w, &n))
		model_notice(p->model, &n);
}

/* ---- addresses ---- */

static int read_list(const struct stoa_conf *c, const char *key, struct address *out)
{
	int n = 0;

	for (size_t i = 0; i < stoa_conf_list_len(c, key) && n < NET_ADDRESSES_MAX; i++)
		if (net_parse_address(stoa_conf_list_get(c, key, i), &out[n]) == 0)
			n++;
	return n;
}

static void announce(struct media_plane *p, uint32_t worker, uint16_t port,
		     const struct address *list, int n)
{
	for (int i = 0; i < n; i++) {
		struct plane_address *a = &p->addresses[worker][i];
		char host[ADDRESS_TEXT];

		net_format_host(&list[i], host);
		memcpy(a->host, host, sizeof(a->host));
		a->port = port;
	}
	p->address_lists[worker] = p->addresses[worker];
	p->n_addresses[worker] = (uint32_t)n;
}

/* An address that the interface list named and that cannot be bound (an IPv6 address still being
 * probed, say) is left out; one that the operator named is an error. */
static bool is_passing(int err)
{
	return err == -EADDRNOTAVAIL || err == -EAFNOSUPPORT;
}

static int start_worker(struct media_plane *p, const struct plane_settings *s, uint32_t index,
			struct address *bind, int *n_bind, bool is_auto)
{
	struct worker_settings ws = {
		.mod = s->mod,
		.dtls = p->dtls,
		.bind = bind,
		.index = index,
		.buffer = s->buffer,
		.on_notices = on_notices,
		.user = p,
	};
	char text[ADDRESS_TEXT];
	uint32_t bad = 0;
	int err;

	for (;;) {
		for (int i = 0; i < *n_bind; i++)
			bind[i].port = (uint16_t)(s->port + index);
		ws.n_bind = (uint32_t)*n_bind;
		err = worker_start(&ws, &bad, &p->workers[index]);
		if (!err || !is_auto || !is_passing(err) || *n_bind == 1)
			break;
		memmove(&bind[bad], &bind[bad + 1], ((size_t)-- * n_bind - bad) * sizeof(*bind));
	}
	if (!err) {
		p->n_workers++;
		return 0;
	}
	address_format(&bind[bad], text);
	stoa_errors_add(NULL, s->conf, "port",
			"cannot open udp %s for media worker %u: %s; set `port` to the first of %u "
			"free ports, or `bind` to addresses of this machine",
			text, index, strerror(-err), s->workers);
	return err;
}

static uint32_t count_threads(void)
{
	unsigned n = stoa_thread_count(STOA_THREAD_MED);

	return n > WORKERS_MAX ? WORKERS_MAX : n;
}

static int start_workers(struct media_plane *p, const struct plane_settings *s)
{
	struct address bind[NET_ADDRESSES_MAX], told[NET_ADDRESSES_MAX];
	int n_bind = read_list(s->conf, "bind", bind), n_told, err;
	bool is_auto = n_bind == 0;

	if (is_auto && (n_bind = net_local_addresses(bind, NET_ADDRESSES_MAX)) <= 0)
		return n_bind ? n_bind : -EADDRNOTAVAIL;
	for (uint32_t i = 0; i < s->workers; i++)
		if ((err = start_worker(p, s, i, bind, &n_bind, is_auto)))
			return err;
	n_told = read_list(s->conf, "announce", told);
	for (uint32_t i = 0; i < p->n_workers; i++)
		announce(p, i, (uint16_t)(s->port + i), n_told ? told : bind,
			 n_told ? n_told : n_bind);
	return 0;
}

static void stop_workers(struct media_plane *p)
{
	for (uint32_t i = 0; i < p->n_workers; i++)
		worker_stop(p->workers[i]);
	p->n_workers = 0;
}

static void plane_free(struct media_plane *p)
{
	stop_workers(p);
	dtls_ctx_free(p->dtls);
	p->dtls = NULL;
	p->is_orphan = true;
	if (!p->is_awake)
		free(p); /* else the task in ctl's inbox does */
}
STOA_DEFINE_AUTO(struct media_plane, plane_free)

int plane_start(const struct plane_settings *s, struct media_plane **ret_plane)
{
	stoa_auto(plane_free) struct media_plane *p = calloc(1, sizeof(*p));
	struct plane_settings settings = *s;
	int err;

	if (!p)
		return -ENOMEM;
	p->mod = s->mod;
	p->model = s->model;
	p->wake_task.fn = flush_model;
	if (!settings.workers)
		settings.workers = count_threads();
	if ((err = dtls_ctx_new(&p->dtls)) || (err = start_workers(p, &settings)))
		return err;
	p->plane = (struct plane){
		.io = p,
		.post = post,
		.wake = wake,
		.now_ms = tell_time,
		.n_workers = p->n_workers,
		.fingerprint = dtls_ctx_fingerprint(p->dtls),
		.addresses = p->address_lists,
		.n_addresses = p->n_addresses,
	};
	model_attach(p->model, &p->plane);
	*ret_plane = stoa_take(p);
	return 0;
}

void plane_stop(struct media_plane *p)
{
	if (!p)
		return;
	model_detach(p->model);
	plane_free(p);
}
