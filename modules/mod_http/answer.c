/* SPDX-License-Identifier: Apache-2.0 */
/* Builds answers: header lines, dates, entity tags, problem documents. Called on ctl and on the
 * edges; pure but for memory. */
#include "answer.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

void answer_init(struct answer *a, int status)
{
	memset(a, 0, sizeof(*a));
	a->status = status;
	a->file = -1;
}

void answer_clear(struct answer *a)
{
	stoa_buf_free(&a->lines);
	if (a->shared)
		stoa_bytes_unref(a->shared);
	if (a->body)
		stoa_bytes_unref(a->body);
	if (a->file >= 0)
		close(a->file);
	answer_init(a, 0);
}

static bool is_clean(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 && *s != '\t')
			return false;
	return true;
}

bool answer_add(struct answer *a, const char *name, const char *value)
{
	if (!*name || strpbrk(name, ": \t") || !is_clean(name) || !is_clean(value))
		return false;
	stoa_buf_adds(&a->lines, name);
	stoa_buf_add(&a->lines, ": ", 2);
	stoa_buf_adds(&a->lines, value);
	stoa_buf_add(&a->lines, "\r\n", 2);
	return true;
}

void answer_add_number(struct answer *a, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	answer_add(a, name, text);
}

const char *answer_reason(int status)
{
	static const struct {
		int status;
		const char *text;
	} reasons[] = {
		{ 100, "Continue" },
		{ 101, "Switching Protocols" },
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 206, "Partial Content" },
		{ 301, "Moved Permanently" },
		{ 302, "Found" },
		{ 303, "See Other" },
		{ 304, "Not Modified" },
		{ 307, "Temporary Redirect" },
		{ 308, "Permanent Redirect" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 406, "Not Acceptable" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 410, "Gone" },
		{ 411, "Length Required" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 416, "Range Not Satisfiable" },
		{ 417, "Expectation Failed" },
		{ 422, "Unprocessable Content" },
		{ 423, "Locked" },
		{ 426, "Upgrade Required" },
		{ 428, "Precondition Required" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
		{ 505, "HTTP Version Not Supported" },
		{ 507, "Insufficient Storage" },
	};

	for (size_t i = 0; i < STOA_ARRAY_SIZE(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].text;
	return "Unknown";
}

bool answer_may_have_body(int status)
{
	return status >= 200 && status != 204 && status != 304;
}

/* ---- dates ---- */

static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
				    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

void answer_date(int64_t unix_s, char out[ANSWER_DATE_LEN])
{
	time_t t = (time_t)unix_s;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || tm.tm_year + 1900 > 9999 || tm.tm_year + 1900 < 1) {
		t = 0;
		gmtime_r(&t, &tm);
	}
	snprintf(out, ANSWER_DATE_LEN, "%s, %02u %s %04u %02u:%02u:%02u GMT", days[tm.tm_wday],
		 (unsigned)tm.tm_mday % 100u, months[tm.tm_mon],
		 (unsigned)(tm.tm_year + 1900) % 10000u, (unsigned)tm.tm_hour % 100u,
		 (unsigned)tm.tm_min % 100u, (unsigned)tm.tm_sec % 100u);
}

int answer_date_parse(struct stoa_str s, int64_t *ret_unix_s)
{
	struct tm tm = { 0 };
	char text[ANSWER_DATE_LEN], month[4], check[ANSWER_DATE_LEN];

	if (s.n != ANSWER_DATE_LEN - 1)
		return -EINVAL;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (sscanf(text + 5, "%2d %3s %4d %2d:%2d:%2d GMT", &tm.tm_mday, month, &tm.tm_year,
		   &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
		return -EINVAL;
	for (tm.tm_mon = 0; tm.tm_mon < 12; tm.tm_mon++)
		if (memcmp(months[tm.tm_mon], month, 3) == 0)
			break;
	tm.tm_year -= 1900;
	if (tm.tm_mon == 12)
		return -EINVAL;
	*ret_unix_s = timegm(&tm);
	answer_date(*ret_unix_s, check);
	return memcmp(check + 5, text + 5, ANSWER_DATE_LEN - 5) == 0 ? 0 : -EINVAL;
}

/* ---- entity tags ---- */

static struct stoa_str strip_weak(struct stoa_str s)
{
	return s.n > 2 && s.p[0] == 'W' && s.p[1] == '/' ? stoa_strn(s.p + 2, s.n - 2) : s;
}

bool answer_etag_matches(struct stoa_str list, struct stoa_str etag)
{
	etag = strip_weak(etag);
	while (list.n) {
		const char *p = list.p;
		size_t skip = 1, n;

		if (*p == '*' && list.n == 1)
			return true;
		if (*p == '"' || (list.n > 2 && *p == 'W' && p[1] == '/' && p[2] == '"')) {
			size_t start = *p == '"' ? 0 : 2;
			const char *end = memchr(p + start + 1, '"', list.n - start - 1);

			if (!end)
				return false;
			n = (size_t)(end - p) + 1 - start;
			if (stoa_str_eq(stoa_strn(p + start, n), etag))
				return true;
			skip = start + n;
		} else if (*p != ',' && *p != ' ' && *p != '\t') {
			return false;
		}
		list = stoa_strn(p + skip, list.n - skip);
	}
	return false;
}
