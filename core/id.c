/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes and UUIDv7 text. Ids of one process ascend even within a millisecond and when the
 * clock steps back: the 12 bits after the time are a counter (RFC 9562 section 6.2, method 1). */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#include <stoa/util.h>

void stoa_random(void *out, size_t n)
{
	uint8_t *p = out;

	while (n) {
		ssize_t got = getrandom(p, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			abort(); /* nothing that follows would be safe */
		p += got;
		n -= (size_t)got;
	}
}

/* The time and counter of the next id. A full counter borrows the next millisecond. */
static uint64_t next_stamp(uint16_t start)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static uint64_t last; /* milliseconds << 12 | counter */
	uint64_t now = (uint64_t)stoa_wall_ms() << 12, stamp;

	pthread_mutex_lock(&lock);
	if (now > (last & ~(uint64_t)0xfff))
		last = now | (start & 0x7ff); /* upper half stays free for counting */
	else
		last++;
	stamp = last;
	pthread_mutex_unlock(&lock);
	return stamp;
}

void stoa_uuid7(char out[STOA_UUID_LEN])
{
	static const int dashes[] = { 8, 13, 18, 23 };
	uint8_t b[16];
	uint64_t stamp;
	char hex[33];
	int from = 0;

	stoa_random(b + 6, 10);
	stamp = next_stamp((uint16_t)((b[6] << 8) | b[7]));
	for (int i = 0; i < 6; i++)
		b[i] = (uint8_t)(stamp >> (12 + 8 * (5 - i)));
	b[6] = (uint8_t)(0x70 | ((stamp >> 8) & 0xf));
	b[7] = (uint8_t)stamp;
	b[8] = (uint8_t)(0x80 | (b[8] & 0x3f));
	stoa_hex_encode(b, sizeof(b), hex);
	for (size_t i = 0; i < STOA_ARRAY_SIZE(dashes); i++) {
		int to = dashes[i];

		memcpy(out + from, hex + from - (int)i, (size_t)(to - from));
		out[to] = '-';
		from = to + 1;
	}
	memcpy(out + from, hex + from - 4, 12);
	out[STOA_UUID_LEN - 1] = '\0';
}

bool stoa_uuid_valid(struct stoa_str s)
{
	if (s.n != STOA_UUID_LEN - 1)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool is_hex =
			(c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');

		if (i == 8 || i == 13 || i == 18 || i == 23 ? c != '-' : !is_hex)
			return false;
	}
	return true;
}
