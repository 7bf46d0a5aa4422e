/* SPDX-License-Identifier: Apache-2.0 */
/* `./dev bench sfu`: what forwarding one packet costs stoad, beside a loop that only encrypts and
 * sends the same packets. A publisher and N subscribers are real clients over real UDP; every
 * packet is decrypted and compared; the next burst is sent when all have the last one, so nothing
 * is lost and nothing depends on the machine's speed.
 *
 * usage: bench_sfu STOAD MODULE-DIR PORT SIZE SUBSCRIBERS BURST
 *
 * With BENCH_HOLD in the environment the load goes on for ten seconds, for a profiler. */
#include "bare.h"
#include "client.h"
#include "cost.h"
#include "net.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <stoa/util.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SUBSCRIBERS_MAX 2000
#define WARM_PACKETS    4096   /* to all subscribers together */
#define PACKETS         120000 /* measured, to all subscribers together */
#define ROUNDS          3
#define VP8_DESC        4

struct subscriber {
	struct client *client;
	struct bench *bench;
	uint64_t next;     /* number of the packet expected */
	uint64_t wrong;    /* not what was sent */
	uint32_t ssrc;     /* of what is received */
	uint64_t before;   /* `next` when the burst began */
	struct srtp *bare; /* of the bare loop's packets */
	int fd;
	uint16_t port;
};

struct bench {
	const char *stoad, *modules;
	char dir[64];
	uint16_t port;
	uint32_t n, burst;
	size_t payload; /* bytes of RTP payload */
	bool is_video;
	size_t head_len; /* of what subscribers receive */
	struct dtls_ctx *dtls;
	struct client *publisher;
	struct subscriber subs[SUBSCRIBERS_MAX];
	uint64_t sent, waiting; /* packets published; subscribers that lack some of the burst */
	int epoll;
};

struct result {
	double cpu_us, instructions; /* per packet received by a subscriber */
	uint64_t packets, wrong, missing;
};

static struct bench bench;

static void die(const char *what)
{
	fprintf(stderr, "bench_sfu: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- packets ---- */

/* What is published: the payload is a pattern of the number; video has a VP8 descriptor before it
 * with a picture of its own per packet, the first a key frame. */
static size_t make_packet(const struct bench *b, uint64_t number, uint8_t *pkt)
{
	size_t head = b->is_video ? 12 + VP8_DESC : 12;
	uint32_t ts = (uint32_t)number * 960;

	bare_fill(pkt, 12, b->payload, number);
	if (b->is_video) {
		memmove(pkt + head, pkt + 12, b->payload - VP8_DESC);
		pkt[12] = 0x90; /* X, S: start of a frame */
		pkt[13] = 0x80; /* I: picture id follows */
		pkt[14] = (uint8_t)(0x80 | (number >> 8 & 0x7f));
		pkt[15] = (uint8_t)number;
		pkt[16] = number ? 0x01 : 0x00; /* P: not a key frame */
		if (!number)
			memcpy(pkt + 19, "\x9d\x01\x2a\x40\x01\xb4\x00", 7);
	}
	pkt[1] = b->is_video ? 0xe0 : 111;
	for (int i = 0; i < 4; i++)
		pkt[4 + i] = (uint8_t)(ts >> (24 - 8 * i));
	return 12 + b->payload;
}

static bool is_expected(const struct bench *b, uint64_t number, const uint8_t *pkt, size_t n,
			size_t *ret_head)
{
	uint8_t want[2048];
	size_t head = 12 + (pkt[0] & 0x10 ? 4 + 4u * (size_t)(pkt[14] << 8 | pkt[15]) : 0);
	size_t desc = b->is_video ? VP8_DESC : 0;

	*ret_head = head;
	if (n != head + b->payload)
		return false;
	make_packet(b, number, want);
	return memcmp(pkt + head + desc, want + 12 + desc, b->payload - desc) == 0;
}

static void on_rtp(void *user, const uint8_t *pkt, size_t n)
{
	struct subscriber *s = user;
	struct bench *b = s->bench;

	s->wrong += n < 20 || !is_expected(b, s->next, pkt, n, &b->head_len);
	s->ssrc =
		(uint32_t)pkt[8] << 24 | (uint32_t)pkt[9] << 16 | (uint32_t)pkt[10] << 8 | pkt[11];
	if (++s->next == b->sent)
		b->waiting--;
}

/* ---- stoad ---- */

static pid_t spawn(const char **argv, int *ret_out)
{
	int out[2];
	pid_t pid = -1;

	if (pipe2(out, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		die("fork");
	if (pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		execv(argv[0], (char **)(uintptr_t)argv);
		_exit(127);
	}
	close(out[1]);
	*ret_out = out[0];
	return pid;
}

static void end_process(pid_t pid)
{
	int status;

	kill(pid, SIGTERM);
	usleep(50000);
	kill(pid, SIGTERM); /* does not wait for those who are still there */
	waitpid(pid, &status, 0);
}

static char *read_file(const char *path)
{
	static char text[16 << 20];
	FILE *f = fopen(path, "r");
	size_t n;

	if (!f)
		return NULL;
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

static pid_t start_stoad(struct bench *b)
{
	char state[96], config[96];
	const char *argv[] = { b->stoad, "--module-dir", b->modules, "--state",
			       state,    "--config",     config,     NULL };
	FILE *f;
	int out;

	snprintf(state, sizeof(state), "%s/state", b->dir);
	snprintf(config, sizeof(config), "%s/stoa.yaml", b->dir);
	if (!(f = fopen(config, "w")))
		die(config);
	fprintf(f,
		"modules:\n  mod_sfu: {load: yes, required: yes, port: %u, workers: 1, bind: "
		"[127.0.0.1]}\n"
		"  mod_bench_sfu: {load: yes, required: yes, subscribers: %u, kind: %s, answers: "
		"%s/answers,\n"
		"    fingerprint: \"%s\"}\n",
		b->port, b->n, b->is_video ? "video" : "audio", b->dir,
		dtls_ctx_fingerprint(b->dtls));
	fclose(f);
	return spawn(argv, &out);
}

static char *wait_for_answers(const struct bench *b, pid_t pid)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/answers", b->dir);
	for (int i = 0; i < 3000; i++) {
		char *text = read_file(path);

		if (text) {
			unlink(path);
			return text;
		}
		if (waitpid(pid, NULL, WNOHANG) == pid)
			break;
		usleep(10000);
	}
	errno = ETIMEDOUT;
	die("stoad made no answers");
	return NULL;
}

/* ---- clients ---- */

static char *take_line(char *text, const char *start, char *out, size_t cap)
{
	char *p = strstr(text, start);
	size_t n;

	if (!p)
		die(start);
	p += strlen(start);
	n = strcspn(p, "\r\n");
	if (n >= cap)
		n = cap - 1;
	memcpy(out, p, n);
	out[n] = '\0';
	return p;
}

static struct client *connect_client(struct bench *b, char *answer, struct subscriber *s)
{
	char ufrag[64], pwd[64], fingerprint[128];
	struct client_settings cs = {
		.server = { .family = 4, .ip = { 127, 0, 0, 1 }, .port = b->port },
		.dtls = b->dtls,
		.ufrag = ufrag,
		.pwd = pwd,
		.own_ufrag = "them",
		.fingerprint = fingerprint,
		.on_rtp = s ? on_rtp : NULL,
		.user = s,
		.buffer = 4 << 20,
	};
	struct client *c;
	uint64_t until = stoa_now_us() + 10000000;

	take_line(answer, "a=ice-ufrag:", ufrag, sizeof(ufrag));
	take_line(answer, "a=ice-pwd:", pwd, sizeof(pwd));
	take_line(answer, "a=fingerprint:", fingerprint, sizeof(fingerprint));
	if (client_new(&cs, &c))
		die("client_new");
	while (client_state(c) != CLIENT_CONNECTED && stoa_now_us() < until) {
		client_step(c, stoa_now_us());
		usleep(50);
	}
	if (client_state(c) != CLIENT_CONNECTED) {
		errno = ETIMEDOUT;
		die("a client does not connect");
	}
	return c;
}

static void watch(struct bench *b, int fd, struct subscriber *s)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = s };

	if (epoll_ctl(b->epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
		die("epoll_ctl");
}

static void connect_all(struct bench *b, char *answers)
{
	for (uint32_t i = 0; i <= b->n; i++) {
		char *end = strstr(answers, "end of answer");

		if (!end) {
			errno = EPROTO;
			die("fewer answers than clients");
		}
		*end = '\0';
		if (i == 0) {
			b->publisher = connect_client(b, answers, NULL);
		} else {
			struct subscriber *s = &b->subs[i - 1];

			*s = (struct subscriber){ .bench = b };
			s->client = connect_client(b, answers, s);
			s->fd = client_fd(s->client);
			watch(b, s->fd, s);
		}
		answers = end + 1;
	}
}

static void drop_clients(struct bench *b)
{
	client_free(b->publisher);
	for (uint32_t i = 0; i < b->n; i++)
		client_free(b->subs[i].client);
}

/* ---- bursts ---- */

static void read_bare(struct subscriber *s);

/* Until every subscriber has the burst. */
static bool gather(struct bench *b, bool is_bare)
{
	struct epoll_event ev[64];
	uint64_t until = stoa_now_us() + 2000000;

	while (b->waiting && stoa_now_us() < until) {
		int n = epoll_wait(b->epoll, ev, 64, 20);

		for (int i = 0; i < n; i++) {
			struct subscriber *s = ev[i].data.ptr;

			if (is_bare)
				read_bare(s);
			else
				client_step(s->client, stoa_now_us());
		}
		if (!is_bare)
			client_step(b->publisher, stoa_now_us());
	}
	return b->waiting == 0;
}

static bool burst_stoad(struct bench *b)
{
	uint8_t pkt[2048];
	uint64_t first = b->sent;

	b->sent += b->burst;
	b->waiting = b->n;
	for (uint64_t i = first; i < b->sent; i++) {
		size_t n = make_packet(b, i, pkt);

		client_send(b->publisher, pkt, n, i);
	}
	client_flush(b->publisher);
	return gather(b, false);
}

static uint64_t count_wrong(const struct bench *b)
{
	uint64_t wrong = 0;

	for (uint32_t i = 0; i < b->n; i++)
		wrong += b->subs[i].wrong;
	return wrong;
}

static struct result finish(struct bench *b, struct cost before, struct cost after, uint64_t bursts,
			    uint64_t missed)
{
	struct result r = { .packets = bursts * b->burst * b->n };

	r.cpu_us = (double)(after.cpu_ns - before.cpu_ns) / 1e3 / (double)r.packets;
	r.instructions = (double)(after.instructions - before.instructions) / (double)r.packets;
	r.wrong = count_wrong(b);
	r.missing = missed;
	return r;
}

static uint64_t bursts_for(const struct bench *b, uint64_t packets)
{
	uint64_t each = (uint64_t)b->burst * b->n;

	return (packets + each - 1) / each;
}

static struct result run_bursts(struct bench *b, pid_t pid, bool (*burst)(struct bench *b))
{
	uint64_t warm = bursts_for(b, WARM_PACKETS) + 10, n = bursts_for(b, PACKETS), missed = 0;
	struct cost_meter meter;
	struct cost before, after;

	for (uint64_t i = 0; i < warm; i++)
		missed += !burst(b);
	cost_meter_open(&meter, pid);
	before = cost_read(&meter);
	for (uint64_t i = 0; i < n && !missed; i++)
		missed += !burst(b);
	usleep(2000); /* the last turn ends */
	after = cost_read(&meter);
	cost_meter_close(&meter);
	return finish(b, before, after, n, missed);
}

/* One packet through, and a receiver report back: from then on the header has its steady form. */
static void settle(struct bench *b)
{
	uint32_t burst = b->burst;

	b->burst = 1;
	for (int k = 0; k < 20; k++) {
		burst_stoad(b);
		for (uint32_t i = 0; i < b->n; i++) {
			uint8_t rr[32] = { 0x81, 201, 0, 7, 0, 0, 0, 1 };

			for (int j = 0; j < 4; j++)
				rr[8 + j] = (uint8_t)(b->subs[i].ssrc >> (24 - 8 * j));
			client_send_rtcp(b->subs[i].client, rr, sizeof(rr));
			client_flush(b->subs[i].client);
		}
		usleep(5000);
	}
	b->burst = burst;
}

static struct result run_stoad(struct bench *b)
{
	pid_t pid = start_stoad(b);
	struct result r;

	b->sent = 0;
	b->epoll = epoll_create1(EPOLL_CLOEXEC);
	connect_all(b, wait_for_answers(b, pid));
	settle(b);
	r = run_bursts(b, pid, burst_stoad);
	if (getenv("BENCH_HOLD")) {
		fprintf(stderr, "stoad is %d\n", (int)pid);
		for (uint64_t until = stoa_now_us() + 10000000; stoa_now_us() < until;)
			burst_stoad(b);
	}
	drop_clients(b);
	close(b->epoll);
	end_process(pid);
	return r;
}

/* ---- the bare loop, in a process of its own ---- */

static int go_pipe = -1;

static bool burst_bare(struct bench *b)
{
	b->sent += b->burst;
	b->waiting = b->n;
	if (write(go_pipe, "", 1) != 1)
		die("write");
	return gather(b, true);
}

static void read_bare(struct subscriber *s)
{
	struct bench *b = s->bench;
	static uint8_t data[32][2048];
	uint8_t want[2048];
	struct mmsghdr messages[32];
	struct iovec iov[32];
	size_t len;
	int n;

	for (int i = 0; i < 32; i++) {
		iov[i] = (struct iovec){ data[i], sizeof(data[i]) };
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	n = recvmmsg(s->fd, messages, 32, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		bare_fill(want, b->head_len, b->payload, s->next);
		s->wrong += srtp_unprotect(s->bare, data[i], messages[i].msg_len, data[i], &len,
					   NULL) ||
			    len != b->head_len + b->payload || memcmp(data[i], want, len) != 0;
		if (++s->next == b->sent)
			b->waiting--;
	}
}

static void open_receivers(struct bench *b, uint16_t *ports)
{
	struct address any = { .family = 4, .ip = { 127, 0, 0, 1 } };

	for (uint32_t i = 0; i < b->n; i++) {
		struct subscriber *s = &b->subs[i];
		union sockaddr_any sa;
		socklen_t len = sizeof(sa);

		*s = (struct subscriber){ .bench = b };
		if (net_bind(&any, 4 << 20, &s->fd) || getsockname(s->fd, &sa.sa, &len) ||
		    srtp_new(SRTP_AEAD_AES_128_GCM, SRTP_IN, bare_key, bare_salt, &s->bare))
			die("a receiver");
		ports[i] = ntohs(sa.in.sin_port);
		watch(b, s->fd, s);
	}
}

static struct result run_bare(struct bench *b)
{
	static uint16_t ports[SUBSCRIBERS_MAX];
	struct bare_case c = { .ports = ports,
			       .subscribers = b->n,
			       .burst = b->burst,
			       .head_len = b->head_len,
			       .payload_len = b->payload };
	struct result r;
	int go[2];
	pid_t pid = -1;

	b->sent = 0;
	b->epoll = epoll_create1(EPOLL_CLOEXEC);
	open_receivers(b, ports);
	if (pipe2(go, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		die("fork");
	if (pid == 0) {
		close(go[1]);
		c.go = go[0];
		_exit(bare_run(&c) ? 1 : 0);
	}
	close(go[0]);
	go_pipe = go[1];
	r = run_bursts(b, pid, burst_bare);
	close(go[1]);
	waitpid(pid, NULL, 0);
	for (uint32_t i = 0; i < b->n; i++) {
		srtp_free(b->subs[i].bare);
		close(b->subs[i].fd);
	}
	close(b->epoll);
	return r;
}

/* ---- what is printed ---- */

static struct result better(struct result a, struct result b)
{
	struct result r = b.cpu_us < a.cpu_us || !a.packets ? b : a;

	r.wrong = a.wrong + b.wrong;
	r.missing = a.missing + b.missing;
	return r;
}

/* Not every machine counts instructions. */
static const char *count_text(double n, char out[32])
{
	snprintf(out, 32, n > 0 ? "%.0f" : "-", n);
	return out;
}

static int run_case(struct bench *b, size_t payload, uint32_t n, uint32_t burst)
{
	struct result stoad = { 0 }, bare = { 0 };
	char text[2][32];

	b->payload = payload;
	b->is_video = payload > 400;
	b->n = n;
	b->burst = burst;
	for (int i = 0; i < ROUNDS; i++) {
		stoad = better(stoad, run_stoad(b));
		bare = better(bare, run_bare(b));
	}
	printf("| %zu | %u | %.2f | %.2f | %.2f | %s | %s | %llu |\n", payload, n, stoad.cpu_us,
	       bare.cpu_us, stoad.cpu_us / bare.cpu_us, count_text(stoad.instructions, text[0]),
	       count_text(bare.instructions, text[1]),
	       (unsigned long long)(stoad.wrong + bare.wrong + stoad.missing + bare.missing));
	fflush(stdout);
	return stoad.wrong || bare.wrong || stoad.missing || bare.missing;
}

int main(int argc, char **argv)
{
	struct rlimit files = { 8192, 8192 };
	struct bench *b = &bench;
	int r = 2;

	if (argc != 7)
		goto usage;
	b->stoad = argv[1];
	b->modules = argv[2];
	b->port = (uint16_t)atoi(argv[3]);
	setrlimit(RLIMIT_NOFILE, &files);
	signal(SIGPIPE, SIG_IGN);
	snprintf(b->dir, sizeof(b->dir), "/tmp/stoa-bench-XXXXXX");
	if (!mkdtemp(b->dir) || dtls_ctx_new(&b->dtls))
		die("set-up");
	if (atoi(argv[5]) <= SUBSCRIBERS_MAX)
		r = run_case(b, (size_t)atoi(argv[4]), (uint32_t)atoi(argv[5]),
			     (uint32_t)atoi(argv[6]));
	dtls_ctx_free(b->dtls);
usage:
	if (r == 2)
		fprintf(stderr, "usage: bench_sfu STOAD MODULE-DIR PORT idle|case SIZE SUBSCRIBERS "
				"BURST\n");
	return r;
}
