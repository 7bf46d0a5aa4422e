/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of addresses with a clock of the test's own: who may use one, where packets go, when
 * consent ends and comes back. No thread; the worker is a frame around the parts. */
#include "check.h"

#include "client.h"
#include "engine_state.h"
#include "peer_io.h"

#include <unistd.h>

#define PWD "serverpasswordserverpassword1234"

static struct worker w;
static unsigned connected, lost;
static enum peer_loss why;

static void on_rtp(void *io, struct peer *peer, const struct send_rtp *s)
{
	(void)io;
	(void)peer;
	(void)s;
}

static void on_rtcp(void *io, struct peer *peer, const uint8_t *bytes, size_t n)
{
	(void)io;
	(void)peer;
	(void)bytes;
	(void)n;
}

static void on_notify(void *io, const struct notice *n)
{
	(void)io;
	connected += n->type == NOTICE_PEER_CONNECTED;
	lost += n->type == NOTICE_PEER_LOST;
	if (n->type == NOTICE_PEER_LOST)
		why = n->why;
}

static const struct engine_out engine_out = { on_rtp, on_rtcp, on_notify };

static void begin(void)
{
	struct address any = { .family = 4, .ip = { 127, 0, 0, 1 } };

	memset(&w, 0, sizeof(w));
	w.now_us = 1000000;
	wheel_init(&w.wheel, w.now_us);
	address_map_init(&w.by_address, 1);
	stoa_list_init(&w.peers);
	w.by_ufrag = stoa_map_new();
	w.n_sockets = 1;
	CHECK_INT(net_bind(&any, 65536, &w.sockets[0].fd), 0);
	CHECK_INT(outbox_new(w.sockets[0].fd, &w.sockets[0].outbox), 0);
	CHECK_INT(packet_pool_new(64, &w.pool), 0);
	CHECK_INT(stun_server_new(&w.stun), 0);
	CHECK_INT(dtls_ctx_new(&w.dtls), 0);
	CHECK_INT(engine_new(&engine_out, &w, w.pool, w.now_us, &w.engine), 0);
	connected = lost = 0;
	why = PEER_LOSS_NONE;
}

static void finish(void)
{
	engine_free(w.engine);
	dtls_ctx_free(w.dtls);
	stun_server_free(w.stun);
	packet_pool_free(w.pool);
	outbox_free(w.sockets[0].outbox);
	close(w.sockets[0].fd);
	stoa_map_free(w.by_ufrag);
	address_map_reset(&w.by_address);
}

static struct peer *open_peer(uint64_t id, const char *ufrag)
{
	struct peer_ice ice = { .local_pwd = PWD, .remote_ufrag = "them" };
	struct peer_dtls dtls = { .hash = PEER_HASH_SHA256, .fingerprint_len = 32 };
	struct command c = { .type = COMMAND_PEER_OPEN, .ice = &ice, .dtls = &dtls };

	snprintf(ice.local_ufrag, sizeof(ice.local_ufrag), "%s", ufrag);
	c.peer = peer_new(id, (uint32_t)id);
	CHECK_INT(peer_io_open(&w, &c), 0);
	engine_apply(w.engine, &c, w.now_us);
	return c.peer;
}

static void close_peer(struct peer *p)
{
	struct command c = { .type = COMMAND_PEER_CLOSE, .peer = p };

	peer_io_close(peer_io(p));
	engine_apply(w.engine, &c, w.now_us);
	peer_free(p);
}

static struct address address_of(uint16_t port)
{
	return (struct address){ .family = 4, .ip = { 127, 0, 0, 1 }, .port = port };
}

static void check_from(const char *ufrag, uint16_t port, bool use_candidate)
{
	struct address from = address_of(port);
	uint8_t msg[300];
	char user[64];
	size_t n;

	snprintf(user, sizeof(user), "%s:them", ufrag);
	n = client_make_check(msg, sizeof(msg), user, PWD, use_candidate,
			      (const uint8_t *)"abcdefghijkl");
	peer_io_stun(&w, msg, n, &from);
}

static struct peer_io *owner_of(uint16_t port)
{
	struct address a = address_of(port);

	return peer_io_find(&w, &a);
}

static void pass(uint64_t us)
{
	for (uint64_t end = w.now_us + us; w.now_us < end;) {
		w.now_us += 10000;
		wheel_run(&w.wheel, w.now_us);
	}
}

static void test_consent(void)
{
	struct peer *p;

	begin();
	p = open_peer(1, "us");
	pass(60 * UINT64_C(1000000)); /* never checked: that is ctl's business */
	CHECK_INT(lost, 0);
	check_from("us", 1000, true);
	for (int i = 0; i < 10; i++) {
		pass(20 * UINT64_C(1000000));
		check_from("us", 1000, true);
	}
	CHECK_INT(lost, 0);
	pass(CONSENT_US - 100000);
	CHECK_INT(lost, 0);
	pass(200000);
	CHECK_INT(lost, 1);
	CHECK_INT(why, PEER_LOSS_ICE_TIMEOUT);
	pass(100 * UINT64_C(1000000));
	CHECK_INT(lost, 1); /* told once */
	close_peer(p);
	finish();
}

static void test_addresses(void)
{
	struct peer *a, *b;

	begin();
	a = open_peer(1, "usa");
	b = open_peer(2, "usb");
	CHECK(!owner_of(1000));
	check_from("usa", 1000, false);
	CHECK(owner_of(1000) == peer_io(a));
	CHECK_INT(peer_io(a)->remote.port, 1000); /* the first is used until one is nominated */
	check_from("usa", 1001, false);
	CHECK_INT(peer_io(a)->remote.port, 1000);
	check_from("usa", 1001, true);
	CHECK_INT(peer_io(a)->remote.port, 1001);
	check_from("usa", 1000, true); /* the latest nomination counts */
	CHECK_INT(peer_io(a)->remote.port, 1000);
	check_from("usb", 1001, true); /* an address goes to whoever proved it last */
	CHECK(owner_of(1001) == peer_io(b));
	CHECK_INT(peer_io(a)->n_paths, 1);
	check_from("usc", 1002, true);
	CHECK(!owner_of(1002));
	CHECK_INT(w.counters.stun_unknown, 1);
	close_peer(b);
	CHECK(!owner_of(1001));
	CHECK(owner_of(1000) == peer_io(a));
	close_peer(a);
	CHECK_INT(w.by_address.n, 0);
	CHECK_INT(stoa_map_len(w.by_ufrag), 0);
	finish();
}

/* More addresses than a peer may have: the one in use stays, the oldest of the others goes. */
static void test_address_limit(void)
{
	struct peer *p;

	begin();
	p = open_peer(1, "us");
	check_from("us", 1, true);
	for (uint16_t port = 2; port < 100; port++) {
		w.now_us += 1000;
		check_from("us", port, false);
		CHECK(owner_of(port) == peer_io(p));
	}
	CHECK(owner_of(1) == peer_io(p));
	CHECK(!owner_of(2));
	CHECK(owner_of(99 - PATHS_MAX + 2) == peer_io(p));
	CHECK_INT(w.by_address.n, PATHS_MAX);
	close_peer(p);
	finish();
}

static void test_restart(void)
{
	struct peer_ice ice = { .local_ufrag = "new", .local_pwd = PWD, .remote_ufrag = "them" };
	uint64_t checks;
	struct peer *p;

	begin();
	p = open_peer(1, "old");
	check_from("old", 1, true);
	peer_io_restart_ice(peer_io(p), &ice);
	check_from("old", 1, true);
	CHECK_INT(w.counters.stun_checks, 2);
	memcpy(ice.local_ufrag, "newer", 6); /* another restart before the first was used */
	peer_io_restart_ice(peer_io(p), &ice);
	check_from("new", 2, true);
	CHECK_INT(w.counters.stun_checks, 2);
	check_from("newer", 3, true);
	CHECK_INT(peer_io(p)->remote.port, 3);
	checks = w.counters.stun_checks;
	check_from("old", 1, true);
	CHECK_INT(w.counters.stun_checks, checks);
	CHECK_INT(peer_io(p)->remote.port, 3);
	close_peer(p);
	CHECK_INT(stoa_map_len(w.by_ufrag), 0);
	finish();
}

/* A handshake that does not end: it is given up, and others have its place. */
static void test_handshake_time(void)
{
	static const uint8_t record[] = {
		22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0
	};
	struct address from = address_of(7);
	struct peer *p;

	begin();
	p = open_peer(1, "us");
	check_from("us", 7, true);
	peer_io_dtls(peer_io(p), record, sizeof(record), &from);
	CHECK_INT(w.handshakes + w.counters.dtls_failed, 1);
	for (int i = 0; i < 5; i++) {
		pass(5 * UINT64_C(1000000));
		check_from("us", 7, true);
	}
	CHECK_INT(lost, 1);
	CHECK_INT(why, PEER_LOSS_DTLS_FAILED);
	CHECK_INT(w.handshakes, 0);
	close_peer(p);
	finish();
}

int main(void)
{
	test_consent();
	test_addresses();
	test_address_limit();
	test_restart();
	test_handshake_time();
	return check_done();
}
