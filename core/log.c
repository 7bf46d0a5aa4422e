/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines: to stderr in one write() each, so that threads do not mix, or to the journal with its
 * fields when systemd connected stderr to it. No lock: the rate limit of a call site uses relaxed
 * counters and may let a line more through when two threads meet. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <stoa/cursor.h>
#include <stoa/util.h>

#include "log.h"
#include "mod.h"

#define LINE_MAX_BYTES 2048
#define SITE_PER_SEC   20
#define JOURNAL_SOCKET "/run/systemd/journal/socket"

static _Atomic int core_level = STOA_LOG_INFO;
static log_sink_fn *_Atomic sink;
static int journal_fd = -1;

enum format { AUTO, TEXT, JSON, JOURNAL };
static _Atomic int format = AUTO;

static const struct {
	enum stoa_log_level level;
	const char *name;
} levels[] = {
	{ STOA_LOG_ERROR, "error" }, { STOA_LOG_WARN, "warn" },   { STOA_LOG_NOTICE, "notice" },
	{ STOA_LOG_INFO, "info" },   { STOA_LOG_DEBUG, "debug" },
};

const char *log_level_name(enum stoa_log_level level)
{
	for (size_t i = 0; i < STOA_ARRAY_SIZE(levels); i++) {
		if (levels[i].level == level)
			return levels[i].name;
	}
	return "?";
}

enum stoa_log_level log_level_parse(struct stoa_str s)
{
	for (size_t i = 0; i < STOA_ARRAY_SIZE(levels); i++) {
		if (stoa_str_is(s, levels[i].name))
			return levels[i].level;
	}
	return (enum stoa_log_level)0;
}

void log_set_level(enum stoa_log_level level)
{
	atomic_store_explicit(&core_level, (int)level, memory_order_relaxed);
}

enum stoa_log_level log_get_level(void)
{
	return (enum stoa_log_level)atomic_load_explicit(&core_level, memory_order_relaxed);
}

void log_set_sink(log_sink_fn *fn)
{
	atomic_store(&sink, fn);
}

static void open_journal(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };

	journal_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (journal_fd >= 0 && connect(journal_fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
		close(journal_fd);
		journal_fd = -1;
	}
}

void log_set_format(const char *name)
{
	static const char *const names[] = { "auto", "text", "json", "journal" };

	for (size_t i = 0; i < STOA_ARRAY_SIZE(names); i++) {
		if (strcmp(name, names[i]) == 0)
			atomic_store(&format, (int)i);
	}
	if (atomic_load(&format) == JOURNAL && journal_fd < 0)
		open_journal();
}

/* $JOURNAL_STREAM is "device:inode" of the stream that systemd made; stderr may be another. */
void log_open(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	if (journal_fd >= 0 || !stream || sscanf(stream, "%llu:%llu", &dev, &ino) != 2 ||
	    fstat(STDERR_FILENO, &st) < 0 || st.st_dev != dev || st.st_ino != ino)
		return;
	open_journal();
}

bool stoa_log_enabled(const struct stoa_mod *m, enum stoa_log_level level)
{
	int of_mod = m ? atomic_load_explicit(&m->log_level, memory_order_relaxed) : 0;

	return (int)level <= (of_mod ? of_mod : (int)log_get_level());
}

/* Counts the line against its call site; true when it may be written. */
static bool site_admits(struct stoa_log_site *site, uint32_t *ret_dropped)
{
	int64_t now = (int64_t)stoa_now_ms();
	int64_t window = __atomic_load_n(&site->window_ms, __ATOMIC_RELAXED);

	*ret_dropped = 0;
	if (now - window >= 1000 &&
	    __atomic_compare_exchange_n(&site->window_ms, &window, now, false, __ATOMIC_RELAXED,
					__ATOMIC_RELAXED)) {
		*ret_dropped = __atomic_exchange_n(&site->dropped, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&site->written, 0, __ATOMIC_RELAXED);
	}
	if (__atomic_fetch_add(&site->written, 1, __ATOMIC_RELAXED) < SITE_PER_SEC)
		return true;
	__atomic_fetch_add(&site->dropped, 1, __ATOMIC_RELAXED);
	return false;
}

/* Copies text with control characters as \xNN, so that nobody forges a second line. */
static void add_escaped(struct stoa_wcursor *w, const char *text)
{
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		char esc[5];

		if (c >= 0x20 && c != 0x7f) {
			stoa_wcur_u8(w, c);
			continue;
		}
		snprintf(esc, sizeof(esc), "\\x%02x", c);
		stoa_wcur_bytes(w, esc, 4);
	}
}

static void add_text(struct stoa_wcursor *w, const char *text)
{
	stoa_wcur_bytes(w, text, strlen(text));
}

static void write_all(int fd, const void *p, size_t n)
{
	ssize_t r;

	do {
		r = write(fd, p, n);
	} while (r < 0 && errno == EINTR);
}

static void write_journal(enum stoa_log_level level, const char *module, const char *text)
{
	char line[LINE_MAX_BYTES + 160], head[128];
	struct stoa_wcursor w = stoa_wcur(line, sizeof(line) - 1);

	snprintf(head, sizeof(head), "PRIORITY=%d\nSYSLOG_IDENTIFIER=stoad\nSTOA_MODULE=%.40s\n",
		 (int)level, module);
	add_text(&w, head);
	add_text(&w, "MESSAGE=");
	if (strcmp(module, "core") != 0) {
		add_text(&w, module);
		add_text(&w, ": ");
	}
	add_text(&w, text);
	*w.p++ = '\n';
	write_all(journal_fd, line, stoa_wcur_len(&w));
}

static void write_stderr(enum stoa_log_level level, const char *module, const char *text)
{
	char line[LINE_MAX_BYTES + 128], now[STOA_TIME_LEN];
	int n;

	stoa_time_format(stoa_wall_ms(), now);
	n = snprintf(line, sizeof(line) - 1, "%s %-6s %s: %s", now, log_level_name(level), module,
		     text);
	if (n < 0)
		return;
	if ((size_t)n > sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	line[n++] = '\n';
	write_all(STDERR_FILENO, line, (size_t)n);
}

/* Text is escaped already; of JSON's own, quotes and backslashes are left. */
static void add_json_string(struct stoa_wcursor *w, const char *s)
{
	stoa_wcur_u8(w, '"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			stoa_wcur_u8(w, '\\');
		stoa_wcur_u8(w, (uint8_t)*s);
	}
	stoa_wcur_u8(w, '"');
}

static void write_json(enum stoa_log_level level, const char *module, const char *text)
{
	char line[2 * LINE_MAX_BYTES + 256], now[STOA_TIME_LEN], head[128];
	struct stoa_wcursor w = stoa_wcur(line, sizeof(line) - 2);

	stoa_time_format(stoa_wall_ms(), now);
	snprintf(head, sizeof(head),
		 "{\"time\":\"%s\",\"level\":\"%s\",\"module\":\"%.40s\",\"text\":", now,
		 log_level_name(level), module);
	add_text(&w, head);
	add_json_string(&w, text);
	*w.p++ = '}';
	*w.p++ = '\n';
	write_all(STDERR_FILENO, line, stoa_wcur_len(&w));
}

static void write_line(enum stoa_log_level level, const char *module, const char *text)
{
	log_sink_fn *fn = atomic_load(&sink);
	int how = atomic_load_explicit(&format, memory_order_relaxed);

	if (fn)
		fn(level, module, text);
	else if (how == JSON)
		write_json(level, module, text);
	else if (journal_fd >= 0 && how != TEXT)
		write_journal(level, module, text);
	else
		write_stderr(level, module, text);
}

void stoa_log_write(const struct stoa_mod *m, enum stoa_log_level level, struct stoa_log_site *site,
		    const char *fmt, ...)
{
	char raw[LINE_MAX_BYTES], text[LINE_MAX_BYTES];
	struct stoa_wcursor w = stoa_wcur(text, sizeof(text) - 1);
	uint32_t dropped = 0;
	int saved = errno;
	va_list ap;

	if (site && !site_admits(site, &dropped))
		return;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	add_escaped(&w, raw);
	*w.p = '\0';
	write_line(level, m ? m->desc.name : "core", text);
	if (dropped) {
		snprintf(raw, sizeof(raw), "%u more lines like this were not written", dropped);
		write_line(level, m ? m->desc.name : "core", raw);
	}
	errno = saved;
}
