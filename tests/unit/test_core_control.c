/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar of usage lines, requests now and later, and the socket under hostile input. */
#include <errno.h>
#include <fcntl.h>
#include <stoa/testing.h>
#include <stoa/util.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "check.h"
#include "control.h"
#include "host.h"
#include "loop.h"

/* ---- usage lines ---- */

static char parsed[512];

/* "name=value,value name=…" in the order of JSON's own, or the complaint with a ! before it. */
static const char *parse(const char *usage, const char *line)
{
	char copy[256], *rest = copy, *word;
	const char *words[16];
	struct stoa_buf why = { 0 };
	json_t *args = NULL;
	size_t n = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	while ((word = strsep(&rest, " "))) {
		if (*word)
			words[n++] = word;
	}
	parsed[0] = '\0';
	if (usage_parse(usage, words, n, &args, &why) < 0) {
		snprintf(parsed, sizeof(parsed), "!%s", why.p ? why.p : "");
	} else {
		char *text = json_dumps(args, JSON_COMPACT | JSON_SORT_KEYS);

		snprintf(parsed, sizeof(parsed), "%s", text);
		free(text);
		json_decref(args);
	}
	stoa_buf_free(&why);
	return parsed;
}

static void check_usage(void)
{
	static const char usage[] = "ROOM [REASON] --user ID [--ttl SECONDS] [--force] [--tag T]…";
	static const char *const broken[] = { "[ROOM",     "--user ID]", "--",   "ROOM!",
					      "--user id", "[--user  ]", "a\x01" };

	CHECK_STR(parse(usage, "r1 --user u"), "{\"room\":[\"r1\"],\"user\":[\"u\"]}");
	CHECK_STR(parse(usage, "--user=u --force r1 late --tag a --tag=b"),
		  "{\"force\":[\"yes\"],\"reason\":[\"late\"],\"room\":[\"r1\"],"
		  "\"tag\":[\"a\",\"b\"],\"user\":[\"u\"]}");
	CHECK_STR(parse(usage, "--user u -- --force"), "{\"room\":[\"--force\"],\"user\":[\"u\"]}");
	CHECK_STR(parse(usage, "--user u"), "!room is missing");
	CHECK_STR(parse(usage, "r1"), "!--user is missing");
	CHECK_STR(parse(usage, "r1 --user"), "!--user needs a value");
	CHECK_STR(parse(usage, "r1 --user u --user v"), "!--user is given twice");
	CHECK_STR(parse(usage, "r1 --user u --nope"), "!unknown option --nope");
	CHECK_STR(parse(usage, "r1 --user u --force=1"), "!--force takes no value");
	CHECK_STR(parse(usage, "r1 why more --user u"), "!unexpected word \"more\"");
	CHECK_STR(parse(usage, "\xff --user u"), "!room is not valid UTF-8");
	CHECK_STR(parse("NAME...", "a b"), "{\"name\":[\"a\",\"b\"]}");
	CHECK_STR(parse("", ""), "{}");
	for (size_t i = 0; i < STOA_ARRAY_SIZE(broken); i++)
		CHECK_INT(usage_parse(broken[i], NULL, 0, NULL, NULL), -EINVAL);
}

/* ---- request lines ---- */

static size_t words_in(const char *line, size_t n)
{
	const char *words[CONTROL_WORDS_MAX];
	size_t count = 0;
	json_t *root = control_parse_line(line, n, words, &count);

	if (!root)
		return SIZE_MAX;
	for (size_t i = 0; i < count; i++)
		CHECK(words[i] != NULL);
	json_decref(root);
	return count;
}

static void check_lines(void)
{
	static const char *const bad[] = { "",
					   "x",
					   "[]",
					   "null",
					   "{}",
					   "{\"argv\":1}",
					   "{\"argv\":[1]}",
					   "{\"argv\":[\"a\",null]}",
					   "{\"argv\":[\"a\"]",
					   "{\"argv\":[\"a\\u0000b\"]}",
					   "{\"argv\":[],\"argv\":[]}" };
	struct stoa_buf many = { 0 };

	CHECK_INT(words_in("{\"argv\":[\"a\",\"b\"]}", 18), 2);
	CHECK_INT(words_in("{\"argv\":[]}", 11), 0);
	for (size_t i = 0; i < STOA_ARRAY_SIZE(bad); i++)
		CHECK(words_in(bad[i], strlen(bad[i])) == SIZE_MAX);
	stoa_buf_adds(&many, "{\"argv\":[\"a\"");
	for (int i = 1; i < CONTROL_WORDS_MAX; i++)
		stoa_buf_adds(&many, ",\"a\"");
	stoa_buf_adds(&many, "]}");
	CHECK_INT(words_in(many.p, many.n), CONTROL_WORDS_MAX);
	many.n -= 2;
	stoa_buf_adds(&many, ",\"a\"]}");
	CHECK(words_in(many.p, many.n) == SIZE_MAX);
	stoa_buf_clear(&many);
	for (int i = 0; i < 60000; i++)
		stoa_buf_adds(&many, "["); /* deep nesting ends in the parser, not in the stack */
	CHECK(words_in(many.p, many.n) == SIZE_MAX);
	stoa_buf_free(&many);
}

/* ---- requests answered later, and never ---- */

static struct stoa_control *kept;
static int answers;
static struct stoa_mod mod = { .desc.name = "mod_x" };

static void keep(struct stoa_control *rq, void *user)
{
	(void)user;
	kept = rq;
}

static void count_answer(const json_t *answer, void *user)
{
	(void)answer;
	++*(int *)user;
}

static void check_later(void)
{
	static const char *const words[] = { "wait", "here" };
	struct stoa_control *rq;

	CHECK_INT(stoa_control_add(&mod, "wait", "WHERE", "Waits.", keep, NULL), 0);
	CHECK_INT(stoa_control_add(&mod, "wait", "WHERE", "Waits.", keep, NULL), -EEXIST);
	CHECK_INT(stoa_control_add(&mod, "other", "[", "Waits.", keep, NULL), -EINVAL);
	CHECK_INT(stoa_control_add(&mod, "other", "", "", keep, NULL), -EINVAL);
	rq = control_run(words, 2, count_answer, &answers);
	CHECK(rq && rq == kept);
	CHECK_STR(stoa_control_arg(rq, "where"), "here");
	CHECK(stoa_control_arg_at(rq, "where", 1) == NULL);
	CHECK(!stoa_control_has(rq, "why"));
	stoa_control_reply(rq, json_object());
	CHECK_INT(answers, 1);
	rq = control_run(words, 2, count_answer, &answers);
	control_abandon(rq);
	stoa_control_reply(rq, json_object()); /* the asker has gone */
	CHECK_INT(answers, 1);
	CHECK(control_run(words, 2, count_answer, &answers) != NULL);
	control_remove_of(&mod); /* the module stops: the answer is a refusal */
	CHECK_INT(answers, 2);
	CHECK(control_run(words, 2, count_answer, &answers) == NULL); /* unknown by now */
	CHECK_INT(answers, 3);
}

/* ---- the socket ---- */

static char dir[] = "/tmp/stoa-control-XXXXXX", path[64];

static int dial(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	strcpy(a.sun_path, path);
	CHECK_INT(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

/* Turns the loop until the peer hung up or `lines` lines came; returns what came. */
static const char *receive(int fd, int lines)
{
	static char in[1 << 17];
	size_t n = 0;
	int got = 0;

	for (int i = 0; i < 1000 && got < lines && n < sizeof(in) - 1; i++) {
		ssize_t r;

		loop_turn_ctl(1);
		r = recv(fd, in + n, sizeof(in) - 1 - n, 0);
		if (r == 0)
			break;
		for (ssize_t k = 0; k < r; k++)
			got += in[n + (size_t)k] == '\n';
		n += r > 0 ? (size_t)r : 0;
	}
	in[n] = '\0';
	return in;
}

static bool is_hung_up(int fd)
{
	char c;

	for (int i = 0; i < 200; i++) {
		loop_turn_ctl(1);
		if (recv(fd, &c, 1, 0) == 0)
			return true;
	}
	return false;
}

static void send_all(int fd, const void *p, size_t n)
{
	while (n) {
		ssize_t r = send(fd, p, n, MSG_NOSIGNAL);

		if (r < 0 && errno != EAGAIN)
			return; /* hung up on: what the test wants to see */
		if (r > 0) {
			p = (const char *)p + r;
			n -= (size_t)r;
		}
		loop_turn_ctl(0);
	}
}

static void ask(int fd, const char *text)
{
	send_all(fd, text, strlen(text));
}

static void check_socket(void)
{
	static const char status[] = "{\"argv\":[\"status\"]}\n";
	char *big = malloc(CONTROL_LINE_MAX + 4096);
	struct stat st;
	int fd, many[20], refused = 0;

	CHECK_INT(stat(path, &st), 0);
	CHECK(S_ISSOCK(st.st_mode));
	CHECK_INT(st.st_mode & 0777, 0660);
	fd = dial();
	ask(fd, status);
	CHECK(strstr(receive(fd, 1), "\"ok\":true"));
	ask(fd, "{\"argv\":[\"status\"]}\n{\"argv\":[\"nope\"]}\n{\"argv\"");
	CHECK(strstr(receive(fd, 2), "unknown_command"));
	ask(fd, ":[\"hooks\"]}\n"); /* the rest of a line that came in two pieces */
	CHECK(strstr(receive(fd, 1), "\"ok\":true"));
	ask(fd, "GET / HTTP/1.1\r\n");
	CHECK(strstr(receive(fd, 1), "bad_request"));
	CHECK(is_hung_up(fd));
	close(fd);

	fd = dial();
	memset(big, 'x', CONTROL_LINE_MAX + 4096);
	send_all(fd, big, CONTROL_LINE_MAX + 4096);
	CHECK(strstr(receive(fd, 1), "too_long"));
	CHECK(is_hung_up(fd));
	close(fd);
	free(big);

	for (size_t i = 0; i < STOA_ARRAY_SIZE(many); i++) {
		many[i] = dial();
		loop_turn_ctl(1);
	}
	for (size_t i = 0; i < STOA_ARRAY_SIZE(many); i++) {
		ask(many[i], status);
		refused += !strstr(receive(many[i], 1), "\"ok\":true");
	}
	CHECK_INT(refused, 4); /* at most 16 at once */
	for (size_t i = 0; i < STOA_ARRAY_SIZE(many); i++)
		close(many[i]);
}

static void on_slow(struct stoa_control *rq, void *user)
{
	(void)user;
	kept = rq;
}

/* The asker goes while its request is under way; the answer comes later and hurts nobody. */
static void check_gone_asker(void)
{
	int fd = dial();

	CHECK_INT(stoa_control_add(&mod, "slow", "", "Takes its time.", on_slow, NULL), 0);
	kept = NULL;
	ask(fd, "{\"argv\":[\"slow\"]}\n");
	for (int i = 0; i < 100 && !kept; i++)
		loop_turn_ctl(1);
	CHECK(kept != NULL);
	close(fd);
	for (int i = 0; i < 10; i++)
		loop_turn_ctl(1);
	stoa_control_reply(kept, json_object());
	for (int i = 0; i < 10; i++)
		loop_turn_ctl(1);
	fd = dial();
	kept = NULL;
	ask(fd, "{\"argv\":[\"slow\"]}\n{\"argv\":[\"status\"]}\n");
	for (int i = 0; i < 100 && !kept; i++)
		loop_turn_ctl(1);
	stoa_control_fail(kept, "no", "Not now.");
	CHECK(strstr(receive(fd, 2), "Not now."));
	close(fd);
	control_remove_of(&mod);
}

static void check_second_daemon(void)
{
	struct stoa_errors *e = errors_new();

	CHECK_INT(control_socket_open(host.conf, e), -EADDRINUSE);
	CHECK_INT(errors_count(e), 1);
	errors_free(e);
}

int main(void)
{
	struct stoa_errors *e = errors_new();
	char yaml[256];

	CHECK(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/run/control", dir);
	snprintf(yaml, sizeof(yaml), "core: { state-dir: %s, control-socket: %s }", dir, path);
	check_usage();
	check_lines();
	stoa_test_begin();
	CHECK_INT(stoa_test_start(yaml), 0);
	check_later();
	CHECK_INT(control_socket_open(host.conf, e), 0);
	check_socket();
	check_gone_asker();
	check_second_daemon();
	control_socket_close();
	CHECK(access(path, F_OK) < 0);
	stoa_test_end();
	errors_free(e);
	snprintf(yaml, sizeof(yaml), "%s/lock", dir);
	CHECK_INT(unlink(yaml), 0);
	snprintf(yaml, sizeof(yaml), "%s/run", dir);
	rmdir(yaml);
	CHECK_INT(rmdir(dir), 0);
	return check_done();
}
