/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks, and RFC 3339 times to and from text. The calendar is computed here (days from civil, in
 * 400-year eras), because timegm() and strftime() take locks and know about locales. */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include <stoa/util.h>

#define MS_PER_DAY      86400000LL
#define LAST_WALL_MS    253402300799999LL /* 9999-12-31T23:59:59.999Z */
#define DAYS_PER_ERA    146097            /* 400 years */
#define DAYS_UNTIL_1970 719468            /* from 0000-03-01 */

static uint64_t clock_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

uint64_t stoa_now_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

uint64_t stoa_now_ms(void)
{
	return clock_us(CLOCK_MONOTONIC) / 1000u;
}

int64_t stoa_wall_ms(void)
{
	return (int64_t)(clock_us(CLOCK_REALTIME) / 1000u);
}

/* Years are counted from March, so that the leap day is the last day of its year. */
static void civil_from_days(int64_t days, unsigned *year, unsigned *month, unsigned *day)
{
	unsigned z = (unsigned)(days + DAYS_UNTIL_1970);
	unsigned era = z / DAYS_PER_ERA, doe = z % DAYS_PER_ERA;
	unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	unsigned mp = (5 * doy + 2) / 153;

	*day = doy - (153 * mp + 2) / 5 + 1;
	*month = mp < 10 ? mp + 3 : mp - 9;
	*year = yoe + era * 400 + (*month <= 2);
}

static int64_t days_from_civil(unsigned year, unsigned month, unsigned day)
{
	unsigned y = year - (month <= 2);
	unsigned era = y / 400, yoe = y % 400;
	unsigned doy = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
	unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

	return (int64_t)era * DAYS_PER_ERA + doe - DAYS_UNTIL_1970;
}

static void put_digits(char *out, unsigned value, int n)
{
	while (n-- > 0) {
		out[n] = (char)('0' + value % 10);
		value /= 10;
	}
}

void stoa_time_format(int64_t wall_ms, char out[STOA_TIME_LEN])
{
	unsigned year, month, day, ms;

	if (wall_ms < 0)
		wall_ms = 0;
	if (wall_ms > LAST_WALL_MS)
		wall_ms = LAST_WALL_MS;
	civil_from_days(wall_ms / MS_PER_DAY, &year, &month, &day);
	ms = (unsigned)(wall_ms % MS_PER_DAY);
	memcpy(out, "0000-00-00T00:00:00.000Z", STOA_TIME_LEN);
	put_digits(out, year, 4);
	put_digits(out + 5, month, 2);
	put_digits(out + 8, day, 2);
	put_digits(out + 11, ms / 3600000, 2);
	put_digits(out + 14, ms / 60000 % 60, 2);
	put_digits(out + 17, ms / 1000 % 60, 2);
	put_digits(out + 20, ms % 1000, 3);
}

/* Reads exactly `n` digits; -1 when there is anything else. */
static int read_digits(struct stoa_str *s, int n)
{
	int v = 0;

	if (s->n < (size_t)n)
		return -1;
	for (int i = 0; i < n; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return -1;
		v = v * 10 + (s->p[i] - '0');
	}
	s->p += n;
	s->n -= (size_t)n;
	return v;
}

/* Steps over one of two characters ("T" may be lower case, RFC 3339 section 5.6). */
static bool step_over(struct stoa_str *s, char a, char b)
{
	if (!s->n || (s->p[0] != a && s->p[0] != b))
		return false;
	s->p++;
	s->n--;
	return true;
}

static int read_fraction_ms(struct stoa_str *s, int *ret_ms)
{
	int ms = 0, digits = 0;

	*ret_ms = 0;
	if (!step_over(s, '.', '.'))
		return 0;
	for (; s->n && s->p[0] >= '0' && s->p[0] <= '9'; s->p++, s->n--, digits++) {
		if (digits < 3)
			ms = ms * 10 + (s->p[0] - '0');
	}
	if (digits == 0 || digits > 9)
		return -EINVAL;
	for (; digits < 3; digits++)
		ms *= 10;
	*ret_ms = ms;
	return 0;
}

static int read_offset_min(struct stoa_str *s, int *ret_min)
{
	int sign, h, m;

	*ret_min = 0;
	if (step_over(s, 'Z', 'z'))
		return 0;
	sign = s->n && s->p[0] == '-' ? -1 : 1;
	if (!step_over(s, '+', '-') || (h = read_digits(s, 2)) < 0 || !step_over(s, ':', ':') ||
	    (m = read_digits(s, 2)) < 0 || h > 23 || m > 59)
		return -EINVAL;
	*ret_min = sign * (h * 60 + m);
	return 0;
}

static int days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && is_leap);
}

int stoa_time_parse(struct stoa_str s, int64_t *ret_wall_ms)
{
	int year, month, day, hour, min, sec, ms, offset;

	if ((year = read_digits(&s, 4)) < 0 || !step_over(&s, '-', '-') ||
	    (month = read_digits(&s, 2)) < 1 || month > 12 || !step_over(&s, '-', '-') ||
	    (day = read_digits(&s, 2)) < 1 || day > days_in_month(year, month))
		return -EINVAL;
	if (!step_over(&s, 'T', 't') || (hour = read_digits(&s, 2)) < 0 || hour > 23 ||
	    !step_over(&s, ':', ':') || (min = read_digits(&s, 2)) < 0 || min > 59 ||
	    !step_over(&s, ':', ':') || (sec = read_digits(&s, 2)) < 0 || sec > 60)
		return -EINVAL; /* 60: a leap second counts as the second after */
	if (read_fraction_ms(&s, &ms) < 0 || read_offset_min(&s, &offset) < 0 || s.n || year < 1)
		return -EINVAL;
	*ret_wall_ms =
		days_from_civil((unsigned)year, (unsigned)month, (unsigned)day) * MS_PER_DAY +
		((hour * 60LL + min - offset) * 60 + sec) * 1000 + ms;
	return 0;
}
