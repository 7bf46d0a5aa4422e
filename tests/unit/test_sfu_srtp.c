/* SPDX-License-Identifier: Apache-2.0 */
/* srtp.c against libsrtp2: same bytes out, each opens what the other sealed, for both profiles,
 * RTP and RTCP, over a ROC wrap, retransmissions, padding, extensions; and what must be refused. */
#include "check.h"

#include <errno.h>
#include <srtp2/srtp.h>
#define srtp_protect        sfu_srtp_protect /* libsrtp2 owns these names in this program */
#define srtp_unprotect      sfu_srtp_unprotect
#define srtp_protect_rtcp   sfu_srtp_protect_rtcp
#define srtp_unprotect_rtcp sfu_srtp_unprotect_rtcp
#include "../../modules/mod_sfu/srtp_cipher.c"
#include "../../modules/mod_sfu/srtp_stream.c"
#include "../../modules/mod_sfu/srtp.c"
#undef srtp_protect
#undef srtp_unprotect
#undef srtp_protect_rtcp
#undef srtp_unprotect_rtcp

static const struct {
	unsigned profile;
	srtp_profile_t theirs;
} cases[] = {
	{ SRTP_AEAD_AES_128_GCM, srtp_profile_aead_aes_128_gcm },
	{ SRTP_AES128_CM_SHA1_80, srtp_profile_aes128_cm_sha1_80 },
};

struct pair { /* ours and theirs, both directions, under one master key */
	struct srtp *out, *in;
	srtp_t their_out, their_in;
};

static uint32_t seed = 1;

static uint32_t roll(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 8;
}

static srtp_t make_theirs(srtp_profile_t profile, uint8_t *key, srtp_ssrc_type_t type)
{
	srtp_policy_t policy = {
		.ssrc = { type, 0 }, .key = key, .window_size = 1024, .allow_repeat_tx = 1
	};
	srtp_t s = NULL;

	CHECK_INT(srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, profile), 0);
	CHECK_INT(srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, profile), 0);
	CHECK_INT(srtp_create(&s, &policy), 0);
	return s;
}

static struct pair pair_make(size_t i)
{
	uint8_t key[SRTP_MASTER_MAX];
	struct pair p = { 0 };

	for (size_t k = 0; k < sizeof(key); k++)
		key[k] = (uint8_t)roll();
	CHECK_INT(srtp_new(cases[i].profile, SRTP_OUT, key, key + 16, &p.out), 0);
	CHECK_INT(srtp_new(cases[i].profile, SRTP_IN, key, key + 16, &p.in), 0);
	p.their_out = make_theirs(cases[i].theirs, key, ssrc_any_outbound);
	p.their_in = make_theirs(cases[i].theirs, key, ssrc_any_inbound);
	return p;
}

static void pair_drop(struct pair *p)
{
	srtp_free(p->out);
	srtp_free(p->in);
	srtp_dealloc(p->their_out);
	srtp_dealloc(p->their_in);
}

/* A packet with random CSRCs, extension, payload; yields its length and the header's. */
static size_t make_rtp(uint8_t *b, uint32_t ssrc, uint16_t seq, size_t payload, size_t *ret_clear)
{
	unsigned csrcs = roll() % 3, words = roll() % 5;
	bool has_ext = roll() % 2;
	size_t n = 12;

	for (size_t i = 0; i < 12; i++)
		b[i] = (uint8_t)roll();
	b[0] = (uint8_t)(0x80 | csrcs | (has_ext ? 0x10 : 0));
	b[2] = (uint8_t)(seq >> 8);
	b[3] = (uint8_t)seq;
	write32(b + 8, ssrc);
	for (unsigned i = 0; i < csrcs * 4; i++)
		b[n++] = (uint8_t)roll();
	if (has_ext) {
		write32(b + n, 0xBEDE0000u | words);
		n += 4;
		for (unsigned i = 0; i < words * 4; i++)
			b[n++] = (uint8_t)roll();
	}
	*ret_clear = n;
	for (size_t i = 0; i < payload; i++)
		b[n++] = (uint8_t)roll();
	return n;
}

static void set_index(struct srtp_plain *piece, uint8_t *plain, uint64_t index)
{
	plain[2] = (uint8_t)(index >> 8);
	plain[3] = (uint8_t)index;
	piece->index = index;
}

/* Seals one packet with both, compares, and opens each other's. */
static void cross_rtp(struct pair *p, uint32_t ssrc, uint64_t index, size_t payload)
{
	uint16_t seq = (uint16_t)index;
	uint8_t plain[2048], ours[2048], theirs[2048], back[2048];
	size_t clear, n = make_rtp(plain, ssrc, seq, payload, &clear), len = 0, cut, back_len = 0;
	size_t pad = payload > 40 && roll() % 2 ? 1 + roll() % 30 : 0;
	int their_len = (int)n;

	cut = payload > pad ? roll() % (payload - pad + 1) : 0; /* goes with the header */
	if (pad) { /* the reference gets padding and flag ready-made */
		memset(plain + n - pad, 0, pad);
		plain[n - 1] = (uint8_t)pad;
	}
	memcpy(theirs, plain, n);
	theirs[0] |= pad ? 0x20 : 0;
	CHECK_INT(srtp_protect(p->their_out, theirs, &their_len), 0);
	struct srtp_plain piece = { .head = plain,
				    .clear_len = (uint16_t)clear,
				    .head_len = (uint16_t)(clear + cut),
				    .index = index,
				    .payload = plain + clear + cut,
				    .payload_len = (uint16_t)(n - clear - cut - pad),
				    .pad = (uint8_t)pad };
	CHECK_INT(sfu_srtp_protect(p->out, &piece, ours, sizeof(ours), &len), 0);
	CHECK_INT(len, their_len);
	CHECK(memcmp(ours, theirs, len) == 0);

	plain[0] |= pad ? 0x20 : 0;
	memset(back, 0, sizeof(back)); /* into another buffer, and the other way below in place */
	if (sfu_srtp_unprotect(p->in, theirs, len, back, &back_len, NULL) == 0) {
		CHECK_INT(back_len, n);
		CHECK(memcmp(back, plain, n) == 0);
		CHECK_INT(sfu_srtp_unprotect(p->in, theirs, len, theirs, &back_len, NULL),
			  -EALREADY);
		CHECK_INT(srtp_unprotect(p->their_in, ours, &their_len), 0);
		CHECK_INT(their_len, n);
		CHECK(memcmp(ours, plain, n) == 0);
	} else { /* only what was sent before is refused */
		CHECK_INT(srtp_unprotect(p->their_in, ours, &their_len),
			  srtp_err_status_replay_fail);
	}
}

static void cross_rtcp(struct pair *p, uint32_t ssrc, size_t n)
{
	uint8_t plain[1500], ours[1600], theirs[1600], back[1600];
	size_t len = 0, back_len = 0;
	int their_len = (int)n;

	for (size_t i = 0; i < n; i++)
		plain[i] = (uint8_t)roll();
	plain[0] = 0x80;
	plain[1] = 200;
	write32(plain + 4, ssrc);
	memcpy(theirs, plain, n);
	CHECK_INT(srtp_protect_rtcp(p->their_out, theirs, &their_len), 0);
	CHECK_INT(sfu_srtp_protect_rtcp(p->out, plain, n, ours, sizeof(ours), &len), 0);
	CHECK_INT(len, their_len);
	CHECK(memcmp(ours, theirs, len) == 0);
	memcpy(back, theirs, len);
	CHECK_INT(sfu_srtp_unprotect_rtcp(p->in, back, len, &back_len), 0);
	CHECK_INT(back_len, n);
	CHECK(memcmp(back, plain, n) == 0);
	CHECK_INT(sfu_srtp_unprotect_rtcp(p->in, theirs, len, &back_len), -EALREADY);
	CHECK_INT(srtp_unprotect_rtcp(p->their_in, ours, &their_len), 0);
	CHECK_INT(their_len, n);
}

static void test_same_bytes(size_t i)
{
	struct pair p = pair_make(i);

	/* 40000 numbers from 60000: the ROC wraps; each SSRC at another place */
	for (uint32_t k = 0; k < 40000; k += 13) {
		cross_rtp(&p, 0x11111111, 60000 + k, roll() % 1200);
		cross_rtp(&p, 0x22222222, k / 13, roll() % 200);
		if (k % 5 == 0 && k > 65) /* a retransmission, also from before the wrap */
			cross_rtp(&p, 0x11111111, 60000 + k - 65, 100);
	}
	cross_rtp(&p, 0x33333333, 1, 0);
	pair_drop(&p);
}

static void test_same_rtcp(size_t i)
{
	struct pair p = pair_make(i);

	for (size_t n = 8; n < 1400; n += 4)
		cross_rtcp(&p, 0x55, n);
	pair_drop(&p);
}

/* A retransmission with the same bytes encrypts to the same packet; ours stays stable too. */
static void test_retransmit(size_t i)
{
	struct pair p = pair_make(i);
	uint8_t plain[300] = { 0x80, 96 }, first[400], again[400];
	struct srtp_plain piece = { .head = plain,
				    .clear_len = 12,
				    .head_len = 12,
				    .payload = plain + 12,
				    .payload_len = 288 };
	size_t len = 0;

	CHECK_INT(sfu_srtp_protect(p.out, &piece, first, sizeof(first), &len), 0);
	for (uint32_t seq = 1; seq < 30000; seq += 100) {
		uint8_t other[400];

		set_index(&piece, plain, seq);
		CHECK_INT(sfu_srtp_protect(p.out, &piece, other, sizeof(other), &len), 0);
	}
	set_index(&piece, plain, 0);
	CHECK_INT(sfu_srtp_protect(p.out, &piece, again, sizeof(again), &len), 0);
	CHECK(memcmp(first, again, len) == 0);
	pair_drop(&p);
}

static void test_forged(size_t i)
{
	struct pair p = pair_make(i);
	uint8_t plain[200] = { 0x80, 96 }, sealed[256], bad[256], rtcp[256];
	struct srtp_plain piece = { .head = plain,
				    .clear_len = 12,
				    .head_len = 12,
				    .payload = plain + 12,
				    .payload_len = 188 };
	size_t len = 0, out = 0, rtcp_len = 0;

	CHECK_INT(sfu_srtp_protect(p.out, &piece, sealed, sizeof(sealed), &len), 0);
	for (size_t bit = 0; bit < len * 8; bit += 3) {
		memcpy(bad, sealed, len);
		bad[bit / 8] ^= (uint8_t)(1u << bit % 8);
		int err = sfu_srtp_unprotect(p.in, bad, len, bad, &out, NULL);
		CHECK(err == -EBADMSG || err == -EINVAL);
	}
	CHECK_INT(p.in->table.n, 0); /* nothing was remembered of forgeries */
	for (size_t n = 0; n < len; n++) {
		memcpy(bad, sealed, len);
		CHECK(sfu_srtp_unprotect(p.in, bad, n, bad, &out, NULL) < 0);
	}
	CHECK_INT(sfu_srtp_unprotect(p.in, sealed, len, sealed, &out, NULL), 0);

	plain[1] = 200;
	CHECK_INT(sfu_srtp_protect_rtcp(p.out, plain, 100, rtcp, sizeof(rtcp), &rtcp_len), 0);
	for (size_t bit = 0; bit < rtcp_len * 8; bit += 3) {
		memcpy(bad, rtcp, rtcp_len);
		bad[bit / 8] ^= (uint8_t)(1u << bit % 8);
		CHECK(sfu_srtp_unprotect_rtcp(p.in, bad, rtcp_len, &out) < 0);
	}
	for (size_t n = 0; n < rtcp_len; n++) {
		memcpy(bad, rtcp, rtcp_len);
		CHECK(sfu_srtp_unprotect_rtcp(p.in, bad, n, &out) < 0);
	}
	CHECK_INT(sfu_srtp_unprotect_rtcp(p.in, rtcp, rtcp_len, &out), 0);
	pair_drop(&p);
}

static void test_arguments(size_t i)
{
	struct pair p = pair_make(i);
	uint8_t plain[64] = { 0x80 }, dst[100];
	struct srtp_plain piece = { .head = plain,
				    .clear_len = 12,
				    .head_len = 12,
				    .payload = plain + 12,
				    .payload_len = 52 };
	size_t len = 0;

	CHECK_INT(sfu_srtp_protect(p.out, &piece, dst, 64 + p.out->ops->tag_len - 1, &len),
		  -ENOSPC);
	piece.clear_len = 11;
	CHECK_INT(sfu_srtp_protect(p.out, &piece, dst, sizeof(dst), &len), -EINVAL);
	piece.clear_len = 13;
	CHECK_INT(sfu_srtp_protect(p.out, &piece, dst, sizeof(dst), &len), -EINVAL);
	piece.clear_len = 12;
	piece.index = 1; /* not the header's number */
	CHECK_INT(sfu_srtp_protect(p.out, &piece, dst, sizeof(dst), &len), -EINVAL);
	CHECK_INT(sfu_srtp_protect_rtcp(p.out, plain, 7, dst, sizeof(dst), &len), -EINVAL);
	p.out->rtcp_index = 0x7fffffff; /* the index may not wrap under one key */
	CHECK_INT(sfu_srtp_protect_rtcp(p.out, plain, 8, dst, sizeof(dst), &len), -ENOSPC);
	pair_drop(&p);
}

/* Window and table limits: order within the window is free, older is refused, SSRCs are bounded. */
static void test_bounds(size_t i)
{
	struct pair p = pair_make(i);
	uint8_t plain[40] = { 0x80, 96 }, sealed[2100][80];
	struct srtp_plain piece = { .head = plain,
				    .clear_len = 12,
				    .head_len = 12,
				    .payload = plain + 12,
				    .payload_len = 28 };
	size_t len = 0, out = 0;
	uint64_t index = 0;

	for (unsigned seq = 0; seq < 2100; seq++) {
		set_index(&piece, plain, seq);
		CHECK_INT(sfu_srtp_protect(p.out, &piece, sealed[seq], 80, &len), 0);
	}
	CHECK_INT(sfu_srtp_unprotect(p.in, sealed[0], len, sealed[0], &out, NULL), 0);
	CHECK_INT(sfu_srtp_unprotect(p.in, sealed[1500], len, sealed[1500], &out, &index), 0);
	CHECK_INT(index, 1500);
	CHECK_INT(
		sfu_srtp_unprotect(p.in, sealed[1500 - 1023], len, sealed[1500 - 1023], &out, NULL),
		0);
	CHECK_INT(
		sfu_srtp_unprotect(p.in, sealed[1500 - 1024], len, sealed[1500 - 1024], &out, NULL),
		-EALREADY);
	CHECK_INT(sfu_srtp_unprotect(p.in, sealed[1499], len, sealed[1499], &out, &index), 0);
	CHECK_INT(index, 1499);
	CHECK_INT(sfu_srtp_unprotect(p.in, sealed[2099], len, sealed[2099], &out, NULL), 0);
	CHECK_INT(sfu_srtp_unprotect(p.in, sealed[1100], len, sealed[1100], &out, NULL), 0);
	CHECK_INT(sfu_srtp_unprotect(p.in, sealed[1000], len, sealed[1000], &out, NULL), -EALREADY);

	for (uint32_t ssrc = 1; ssrc <= 3 * SRTP_IN_STREAMS; ssrc++) {
		write32(plain + 8, ssrc);
		CHECK_INT(sfu_srtp_protect(p.out, &piece, sealed[0], 80, &len), 0);
		CHECK_INT(sfu_srtp_unprotect(p.in, sealed[0], len, sealed[0], &out, NULL), 0);
	}
	CHECK_INT(p.in->table.n, SRTP_IN_STREAMS);
	CHECK(table_find(&p.in->table, 3 * SRTP_IN_STREAMS) != NULL);
	CHECK(table_find(&p.in->table, 1) == NULL); /* silent for longest: forgotten */
	CHECK(srtp_footprint(p.in) > SRTP_IN_STREAMS * sizeof(struct srtp_window));
	pair_drop(&p);
}

static void test_profiles(void)
{
	struct srtp *s = NULL;
	uint8_t key[64] = { 0 };
	size_t key_len = 0, salt_len = 0;

	for (unsigned profile = 0; profile < 0x20; profile++) {
		bool is_served = profile == 1 || profile == 7;

		CHECK_INT(srtp_profile_sizes(profile, &key_len, &salt_len),
			  is_served ? 0 : -EPROTONOSUPPORT);
		if (!is_served)
			CHECK_INT(srtp_new(profile, SRTP_OUT, key, key, &s), -EPROTONOSUPPORT);
	}
	CHECK(s == NULL);
}

int main(void)
{
	CHECK_INT(srtp_init(), 0);
	test_profiles();
	for (size_t i = 0; i < STOA_ARRAY_SIZE(cases); i++) {
		test_same_bytes(i);
		test_same_rtcp(i);
		test_retransmit(i);
		test_forged(i);
		test_arguments(i);
		test_bounds(i);
	}
	CHECK_INT(srtp_shutdown(), 0);
	return check_done();
}
