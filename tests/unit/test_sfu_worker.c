/* SPDX-License-Identifier: Apache-2.0 */
/* Workers over real UDP on the loopback: a publisher and subscribers connect by ICE and DTLS, every
 * forwarded packet is decrypted and compared. And what must have no effect: a ClientHello or media
 * from an address without a check, checks with a forged integrity, a wrong certificate. */
#include "check.h"

#include "client.h"
#include "engine_state.h"
#include "peer_io.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stoa/testing.h>
#include <sys/socket.h>
#include <unistd.h>

#define SUBSCRIBERS 8
#define WORKERS     2
#define PORT        21450
#define SSRC_IN     0x1000
#define PWD         "serverpasswordserverpassword1234"

struct peer_of_test {
	struct peer *peer;
	struct client *client;
	struct downtrack *downtrack;
	uint64_t next, wrong; /* packets received in order; what was not as sent */
	uint32_t expect_ssrc;
	char ufrag[16];
};

struct scene { /* one room on one worker */
	struct worker *worker;
	struct stage *stage;
	struct source *source;
	struct peer_of_test pub, subs[SUBSCRIBERS];
	uint64_t sent;
	bool is_live;
};

static struct dtls_ctx *server_dtls, *client_dtls;
static struct scene scenes[WORKERS];
static uint64_t connected, lost;
static enum peer_loss last_loss;
static uint64_t next_id = 1;

static void on_notices(struct worker *w)
{
	struct notice n;

	while (worker_take_notice(w, &n)) {
		connected += n.type == NOTICE_PEER_CONNECTED;
		lost += n.type == NOTICE_PEER_LOST;
		if (n.type == NOTICE_PEER_LOST)
			last_loss = n.why;
	}
}

static struct command *command_make(enum command_type type)
{
	struct command *c = calloc(1, sizeof(*c));

	c->type = type;
	return c;
}

static struct address loopback(uint16_t port)
{
	return (struct address){ .family = 4, .ip = { 127, 0, 0, 1 }, .port = port };
}

static void start_worker(struct scene *s, uint32_t index)
{
	struct address bind = loopback((uint16_t)(PORT + index));
	struct worker_settings ws = { .dtls = server_dtls,
				      .bind = &bind,
				      .n_bind = 1,
				      .index = index,
				      .buffer = 1 << 20,
				      .on_notices = on_notices };
	uint32_t bad;

	CHECK_INT(worker_start(&ws, &bad, &s->worker), 0);
}

static struct peer_ice *make_ice(const char *ufrag)
{
	struct peer_ice *ice = calloc(1, sizeof(*ice));

	snprintf(ice->local_ufrag, sizeof(ice->local_ufrag), "%s", ufrag);
	snprintf(ice->local_pwd, sizeof(ice->local_pwd), "%s", PWD);
	snprintf(ice->remote_ufrag, sizeof(ice->remote_ufrag), "them");
	return ice;
}

static void open_peer(struct scene *s, struct peer_of_test *p, const char *fingerprint)
{
	struct command *c = command_make(COMMAND_PEER_OPEN);

	snprintf(p->ufrag, sizeof(p->ufrag), "us%llu", (unsigned long long)next_id);
	p->peer = c->peer = peer_new(next_id, (uint32_t)next_id);
	next_id++;
	c->ice = make_ice(p->ufrag);
	c->dtls = calloc(1, sizeof(*c->dtls));
	CHECK_INT(client_parse_fingerprint(fingerprint, c->dtls), 0);
	worker_post(s->worker, c);
}

static void close_peer(struct scene *s, struct peer_of_test *p)
{
	struct command *c = command_make(COMMAND_PEER_CLOSE);

	c->peer = p->peer;
	worker_post(s->worker, c);
	client_free(p->client);
	p->client = NULL;
}

static void fill_payload(uint8_t *p, size_t n, uint64_t number)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(number * 131 + i * 7 + (i >> 8));
}

static size_t size_of(uint64_t number)
{
	return number % 5 == 4 ? 60 : 160;
}

static void on_rtp(void *user, const uint8_t *pkt, size_t n)
{
	struct peer_of_test *p = user;
	uint8_t want[2000];
	uint32_t ssrc = (uint32_t)pkt[8] << 24 | pkt[9] << 16 | pkt[10] << 8 | pkt[11];
	size_t head = 12 + ((pkt[0] & 0x10) ? 4 + 4u * (pkt[14] << 8 | pkt[15]) : 0);
	size_t size = size_of(p->next);

	fill_payload(want, size, p->next);
	if (ssrc != p->expect_ssrc || n < head || n - head != size ||
	    memcmp(pkt + head, want, size) != 0)
		p->wrong++;
	p->next++;
}

static void make_client(struct scene *s, struct peer_of_test *p, const char *fingerprint)
{
	struct client_settings cs = { .server = s->worker->sockets[0].address,
				      .dtls = client_dtls,
				      .ufrag = p->ufrag,
				      .pwd = PWD,
				      .own_ufrag = "them",
				      .fingerprint = fingerprint,
				      .on_rtp = on_rtp,
				      .user = p };

	CHECK_INT(client_new(&cs, &p->client), 0);
}

static void open_room(struct scene *s)
{
	uint64_t track = next_id++, participant = next_id++;
	struct source_settings set = { .track = track,
				       .participant = participant,
				       .codec = CODEC_OPUS,
				       .clock = 48000,
				       .n_layers = 1 };
	struct sections *sections = sections_new(1);
	struct command *c = command_make(COMMAND_STAGE_OPEN);

	s->stage = c->stage = stage_new(next_id++);
	worker_post(s->worker, c);
	open_peer(s, &s->pub, dtls_ctx_fingerprint(client_dtls));
	c = command_make(COMMAND_SOURCE_ADD);
	s->source = c->source = source_new(&set, s->stage, s->pub.peer);
	worker_post(s->worker, c);
	sections->s[0].source = s->source;
	sections->s[0].n_pts = 1;
	sections->s[0].pts[0] = (struct section_pt){ .pt = 111, .codec = CODEC_OPUS };
	c = command_make(COMMAND_SECTIONS);
	c->peer = s->pub.peer;
	c->sections = sections;
	worker_post(s->worker, c);
}

static void subscribe(struct scene *s, struct peer_of_test *p, uint32_t ssrc)
{
	struct downtrack_settings set = { .track = s->source->set.track,
					  .ssrc = ssrc,
					  .first_seq = 7,
					  .codec = CODEC_OPUS,
					  .clock = 48000,
					  .pt = 109 };
	struct command *c = command_make(COMMAND_DOWNTRACK_ADD);

	p->expect_ssrc = ssrc;
	p->downtrack = c->downtrack = downtrack_new(&set, s->source, p->peer);
	worker_post(s->worker, c);
}

static void close_room(struct scene *s)
{
	struct command *c;

	for (int i = 0; i < SUBSCRIBERS; i++) {
		c = command_make(COMMAND_DOWNTRACK_REMOVE);
		c->downtrack = s->subs[i].downtrack;
		worker_post(s->worker, c);
		close_peer(s, &s->subs[i]);
	}
	c = command_make(COMMAND_SOURCE_REMOVE);
	c->source = s->source;
	worker_post(s->worker, c);
	close_peer(s, &s->pub);
	c = command_make(COMMAND_STAGE_CLOSE);
	c->stage = s->stage;
	worker_post(s->worker, c);
}

/* ---- moving time ---- */

static void step_peer(struct peer_of_test *p)
{
	if (p->client)
		client_step(p->client, stoa_now_us());
}

static void step_all(void)
{
	for (int i = 0; i < WORKERS; i++) {
		step_peer(&scenes[i].pub);
		for (int k = 0; k < SUBSCRIBERS; k++)
			step_peer(&scenes[i].subs[k]);
	}
	usleep(200);
}

static bool are_connected(void *want)
{
	step_all();
	return connected >= *(uint64_t *)want;
}

static bool are_lost(void *want)
{
	step_all();
	return lost >= *(uint64_t *)want;
}

static void send_burst(struct scene *s)
{
	for (int i = 0; i < 10; i++) {
		uint8_t pkt[300] = { 0x80, 111 };
		size_t size = size_of(s->sent);

		pkt[2] = (uint8_t)(s->sent >> 8);
		pkt[3] = (uint8_t)s->sent;
		pkt[10] = SSRC_IN >> 8;
		fill_payload(pkt + 12, size, s->sent);
		CHECK_INT(client_send(s->pub.client, pkt, 12 + size, s->sent), 0);
		s->sent++;
	}
	client_flush(s->pub.client);
}

static bool has_all(void *want)
{
	step_all();
	for (int i = 0; i < WORKERS; i++) {
		uint64_t slowest = UINT64_MAX;

		for (int k = 0; k < SUBSCRIBERS; k++)
			if (scenes[i].subs[k].next < slowest)
				slowest = scenes[i].subs[k].next;
		if (slowest == scenes[i].sent && scenes[i].sent < *(uint64_t *)want)
			send_burst(&scenes[i]);
		if (slowest < *(uint64_t *)want)
			return false;
	}
	return true;
}

static bool has_passed(void *until_us)
{
	step_all();
	return stoa_now_us() >= *(uint64_t *)until_us;
}

static void wait_ms(uint64_t ms)
{
	uint64_t until = stoa_now_us() + ms * 1000;

	stoa_test_run_until(has_passed, &until, ms + 1000);
}

/* Counters belong to the worker: they are read after it has stopped, or through a posted copy. */
struct snapshot {
	struct worker *worker;
	struct worker_counters counters;
	_Atomic bool is_done;
};

static void copy_counters(void *user)
{
	struct snapshot *s = user;

	s->counters = s->worker->counters;
	atomic_store(&s->is_done, true);
}

static struct worker_counters counters_of(struct worker *w)
{
	struct snapshot s = { .worker = w };

	CHECK_INT(stoa_post(w->loop, copy_counters, &s), 0);
	while (!atomic_load(&s.is_done))
		usleep(100);
	return s.counters;
}

/* ---- tests ---- */

static void test_forwarding(void)
{
	uint64_t want = WORKERS * (SUBSCRIBERS + 1), packets = 500;

	for (uint32_t i = 0; i < WORKERS; i++) {
		struct scene *s = &scenes[i];

		start_worker(s, i);
		open_room(s);
		make_client(s, &s->pub, dtls_ctx_fingerprint(server_dtls));
		for (uint32_t k = 0; k < SUBSCRIBERS; k++) {
			open_peer(s, &s->subs[k], dtls_ctx_fingerprint(client_dtls));
			make_client(s, &s->subs[k], dtls_ctx_fingerprint(server_dtls));
			subscribe(s, &s->subs[k], 0x2000 + k);
		}
	}
	CHECK(stoa_test_run_until(are_connected, &want, 10000));
	CHECK_INT(client_profile(scenes[0].pub.client), SRTP_AEAD_AES_128_GCM);
	CHECK(stoa_test_run_until(has_all, &packets, 20000));
	for (uint32_t i = 0; i < WORKERS; i++)
		for (uint32_t k = 0; k < SUBSCRIBERS; k++) {
			CHECK_INT(scenes[i].subs[k].wrong, 0);
			CHECK_INT(client_undecrypted(scenes[i].subs[k].client), 0);
		}
}

static void send_raw(int fd, struct scene *s, const uint8_t *p, size_t n)
{
	union sockaddr_any to;
	socklen_t len = address_to(&s->worker->sockets[0].address, &to);

	CHECK_INT(sendto(fd, p, n, 0, &to.sa, len), n);
}

/* Nothing comes back, no handshake begins, nobody's path changes. */
static void test_unchecked_address(void)
{
	static const uint8_t hello[] = { 22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0 };
	static const uint8_t media[40] = { 0x80, 111 };
	static const uint8_t junk[4] = { 0xff, 1, 2, 3 };
	struct scene *s = &scenes[0];
	struct worker_counters before = counters_of(s->worker), after;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	uint8_t msg[700], back[100];
	size_t n;

	send_raw(fd, s, hello, sizeof(hello));
	send_raw(fd, s, media, sizeof(media));
	send_raw(fd, s, junk, sizeof(junk));
	for (int i = 0; i < 4; i++) {
		static const char *const users[] = { "us1:them", "us1:other", "nobody:them",
						     "us1" };
		char user[32];

		snprintf(user, sizeof(user), "%s%s", i < 2 ? s->pub.ufrag : users[i],
			 i == 0   ? ":them"
			 : i == 1 ? ":other"
				  : "");
		n = client_make_check(msg, sizeof(msg), user, i ? PWD : "forged", true,
				      (const uint8_t *)"abcdefghijkl");
		send_raw(fd, s, msg, n);
	}
	snprintf((char *)back, sizeof(back), "%s:them", s->pub.ufrag);
	n = client_make_check(msg, sizeof(msg), (char *)back, PWD, true,
			      (const uint8_t *)"abcdefghijkl");
	msg[n - 1] ^= 1; /* fingerprint */
	send_raw(fd, s, msg, n);
	msg[n - 1] ^= 1;
	msg[30] ^= 1; /* an attribute that the integrity covers */
	send_raw(fd, s, msg, n);
	wait_ms(100);
	after = counters_of(s->worker);
	CHECK_INT(recv(fd, back, sizeof(back), 0), -1);
	CHECK_INT(after.drop_unchecked - before.drop_unchecked, 2);
	CHECK_INT(after.drop_junk - before.drop_junk, 1);
	CHECK_INT(after.stun_checks, before.stun_checks);
	CHECK_INT(after.stun_forged + after.stun_unknown - before.stun_forged - before.stun_unknown,
		  6);
	CHECK_INT(after.dtls_ready, before.dtls_ready);
	CHECK_INT(after.dtls_failed, before.dtls_failed);
	close(fd);
}

/* A client whose certificate is not the announced one gets no keys. */
static void test_wrong_certificate(void)
{
	struct scene *s = &scenes[0];
	struct peer_of_test p = { 0 };
	uint64_t want = lost + 1, before = connected;

	open_peer(s, &p, dtls_ctx_fingerprint(server_dtls));
	make_client(s, &p, dtls_ctx_fingerprint(server_dtls));
	for (uint64_t until = stoa_now_us() + 5000000; lost < want && stoa_now_us() < until;) {
		client_step(p.client, stoa_now_us());
		wait_ms(1);
	}
	CHECK_INT(lost, want);
	CHECK_INT(last_loss, PEER_LOSS_DTLS_FAILED);
	CHECK_INT(connected, before);
	close_peer(s, &p);
}

/* After a restart both credentials work until a check comes with the new ones. */
static void test_ice_restart(void)
{
	struct scene *s = &scenes[0];
	struct command *c = command_make(COMMAND_PEER_ICE);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	uint8_t msg[700], back[300];
	char old_user[32];
	size_t n;

	snprintf(old_user, sizeof(old_user), "%s:them", s->pub.ufrag);
	c->peer = s->pub.peer;
	c->ice = make_ice("fresh");
	worker_post(s->worker, c);
	for (int i = 0; i < 3; i++) {
		n = client_make_check(msg, sizeof(msg), i == 1 ? "fresh:them" : old_user, PWD,
				      false, (const uint8_t *)"abcdefghijkl");
		send_raw(fd, s, msg, n);
		wait_ms(50);
		CHECK(i == 2 ? recv(fd, back, sizeof(back), 0) < 0
			     : recv(fd, back, sizeof(back), 0) > 20);
	}
	close(fd);
}

/* A subscriber says goodbye by DTLS: its worker tells at once. */
static void test_goodbye(void)
{
	struct peer_of_test *p = &scenes[1].subs[SUBSCRIBERS - 1];
	uint64_t want = lost + 1;

	client_free(p->client);
	p->client = NULL;
	CHECK(stoa_test_run_until(are_lost, &want, 3000));
	CHECK_INT(last_loss, PEER_LOSS_CLOSED);
}

int main(void)
{
	stoa_test_begin();
	CHECK_INT(dtls_ctx_new(&server_dtls), 0);
	CHECK_INT(dtls_ctx_new(&client_dtls), 0);
	CHECK_INT(stoa_test_start(NULL), 0);
	test_forwarding();
	test_unchecked_address();
	test_wrong_certificate();
	test_ice_restart();
	test_goodbye();
	for (int i = 0; i < WORKERS; i++)
		close_room(&scenes[i]);
	wait_ms(50);
	for (int i = 0; i < WORKERS; i++)
		worker_stop(scenes[i].worker);
	stoa_test_end();
	dtls_ctx_free(server_dtls);
	dtls_ctx_free(client_dtls);
	return check_done();
}
