/* SPDX-License-Identifier: Apache-2.0 */
/* SRTP and SRTCP of one direction: finds the packet index, then lets the profile's functions seal
 * or open. State changes only after a packet has proved authentic. */
#include "srtp.h"
#include "srtp_cipher.h"
#include "srtp_stream.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <stoa/cursor.h>

#define CM_TAG     10
#define GCM_TAG    16
#define RTCP_CLEAR 8 /* first header and SSRC stay readable */
#define RTCP_WORD  4 /* E flag and index                    */
#define ENCRYPTED  UINT32_C(0x80000000)

struct profile_ops {
	unsigned profile;
	size_t key_len, salt_len, tag_len;
	bool is_gcm;
	/* `n` counts the tag; `clear` bytes are the header, which is not copied. */
	int (*open)(struct srtp_cipher *c, const uint8_t *pkt, size_t n, size_t clear, uint8_t *out,
		    uint32_t ssrc, uint64_t index);
	/* Writes the whole packet with its tag. */
	int (*seal)(struct srtp_cipher *c, const struct srtp_plain *p, uint8_t *dst, uint32_t ssrc,
		    uint64_t index);
	int (*open_rtcp)(struct srtp_cipher *c, uint8_t *pkt, size_t n, uint32_t ssrc,
			 uint32_t word);
	int (*seal_rtcp)(struct srtp_cipher *c, const uint8_t *pkt, size_t n, uint8_t *dst,
			 uint32_t ssrc, uint32_t word);
};

struct srtp {
	const struct profile_ops *ops;
	struct srtp_cipher rtp, rtcp;
	struct srtp_table table; /* SSRCs that came in           */
	uint32_t rtcp_index;     /* of the last RTCP packet sent */
};

static uint32_t read32(const uint8_t *p)
{
	struct stoa_cursor c = stoa_cur(p, 4);

	return stoa_cur_be32(&c);
}

static void write32(uint8_t *p, uint32_t v)
{
	struct stoa_wcursor c = stoa_wcur(p, 4);

	stoa_wcur_be32(&c, v);
}

/* Length of the RTP header with CSRCs and extension; 0 when it is none. */
static size_t measure_header(const uint8_t *pkt, size_t n)
{
	struct stoa_cursor c = stoa_cur(pkt, n);
	uint8_t first = stoa_cur_u8(&c);

	stoa_cur_skip(&c, 11 + 4 * (size_t)(first & 0x0f));
	if (first & 0x10) {
		stoa_cur_skip(&c, 2);
		stoa_cur_skip(&c, 4 * (size_t)stoa_cur_be16(&c));
	}
	return stoa_cur_ok(&c) && first >> 6 == 2 ? (size_t)(c.p - pkt) : 0;
}

/* ---- AES-CM and HMAC-SHA1-80 ---- */

static int open_cm(struct srtp_cipher *c, const uint8_t *pkt, size_t n, size_t clear, uint8_t *out,
		   uint32_t ssrc, uint64_t index)
{
	uint8_t mac[SHA_DIGEST_LENGTH];
	size_t len = n - CM_TAG;
	int err;

	cm_mac(c, pkt, len, (uint32_t)(index >> 16), mac);
	if (CRYPTO_memcmp(mac, pkt + len, CM_TAG) != 0)
		return -EBADMSG;
	if ((err = cm_set_iv(c, ssrc, index)))
		return err;
	return cm_xor(c, pkt + clear, len - clear, out + clear);
}

/* Head, payload and padding through the cipher's update; the header goes in clear. `ret_len` gets
 * the length without the tag. */
#define SEAL_PIECES(update, c, p, dst, ret_len, err)                                               \
	do {                                                                                       \
		uint8_t *at_ = (dst) + (p)->clear_len;                                             \
		size_t extra_ = (size_t)((p)->head_len - (p)->clear_len);                          \
		if (!(err) && extra_)                                                              \
			(err) = update((c), (p)->head + (p)->clear_len, extra_, at_);              \
		at_ += extra_;                                                                     \
		if (!(err) && (p)->payload_len)                                                    \
			(err) = update((c), (p)->payload, (p)->payload_len, at_);                  \
		at_ += (p)->payload_len;                                                           \
		if (!(err) && (p)->pad) {                                                          \
			memset(at_, 0, (p)->pad);                                                  \
			at_[(p)->pad - 1] = (p)->pad;                                              \
			(err) = update((c), at_, (p)->pad, at_);                                   \
			at_ += (p)->pad;                                                           \
		}                                                                                  \
		(ret_len) = (size_t)(at_ - (dst));                                                 \
	} while (0)

static int seal_cm(struct srtp_cipher *c, const struct srtp_plain *p, uint8_t *dst, uint32_t ssrc,
		   uint64_t index)
{
	uint8_t mac[SHA_DIGEST_LENGTH];
	int err = cm_set_iv(c, ssrc, index);
	size_t len;

	SEAL_PIECES(cm_xor, c, p, dst, len, err);
	if (err)
		return err;
	cm_mac(c, dst, len, (uint32_t)(index >> 16), mac);
	memcpy(dst + len, mac, CM_TAG);
	return 0;
}

static int open_rtcp_cm(struct srtp_cipher *c, uint8_t *pkt, size_t n, uint32_t ssrc, uint32_t word)
{
	size_t len = n - CM_TAG - RTCP_WORD;
	uint8_t mac[SHA_DIGEST_LENGTH];
	int err;

	cm_mac(c, pkt, len, word, mac);
	if (CRYPTO_memcmp(mac, pkt + len + RTCP_WORD, CM_TAG) != 0)
		return -EBADMSG;
	if ((err = cm_set_iv(c, ssrc, word & ~ENCRYPTED)))
		return err;
	return cm_xor(c, pkt + RTCP_CLEAR, len - RTCP_CLEAR, pkt + RTCP_CLEAR);
}

static int seal_rtcp_cm(struct srtp_cipher *c, const uint8_t *pkt, size_t n, uint8_t *dst,
			uint32_t ssrc, uint32_t word)
{
	uint8_t mac[SHA_DIGEST_LENGTH];
	int err;

	if ((err = cm_set_iv(c, ssrc, word & ~ENCRYPTED)) ||
	    (err = cm_xor(c, pkt + RTCP_CLEAR, n - RTCP_CLEAR, dst + RTCP_CLEAR)))
		return err;
	write32(dst + n, word);
	cm_mac(c, dst, n, word, mac);
	memcpy(dst + n + RTCP_WORD, mac, CM_TAG);
	return 0;
}

/* ---- AEAD AES-GCM ---- */

static int open_gcm(struct srtp_cipher *c, const uint8_t *pkt, size_t n, size_t clear, uint8_t *out,
		    uint32_t ssrc, uint64_t index)
{
	size_t len = n - GCM_TAG;
	int err;

	if ((err = gcm_begin_open(c, ssrc, index, pkt + len)) || (err = gcm_aad(c, pkt, clear)))
		return err;
	if (len > clear && (err = gcm_update(c, pkt + clear, len - clear, out + clear)))
		return err;
	return gcm_end_open(c);
}

static int seal_gcm(struct srtp_cipher *c, const struct srtp_plain *p, uint8_t *dst, uint32_t ssrc,
		    uint64_t index)
{
	int err = gcm_begin_seal(c, ssrc, index);
	size_t len;

	if (!err)
		err = gcm_aad(c, dst, p->clear_len);
	SEAL_PIECES(gcm_update, c, p, dst, len, err);
	return err ? err : gcm_end_seal(c, dst + len);
}

/* RFC 7714 section 9: the word with E flag and index is authenticated and stands after the tag. */
static int open_rtcp_gcm(struct srtp_cipher *c, uint8_t *pkt, size_t n, uint32_t ssrc,
			 uint32_t word)
{
	size_t len = n - GCM_TAG - RTCP_WORD;
	int err;

	if ((err = gcm_begin_open(c, ssrc, word & ~ENCRYPTED, pkt + len)) ||
	    (err = gcm_aad(c, pkt, RTCP_CLEAR)) ||
	    (err = gcm_aad(c, pkt + n - RTCP_WORD, RTCP_WORD)))
		return err;
	if (len > RTCP_CLEAR &&
	    (err = gcm_update(c, pkt + RTCP_CLEAR, len - RTCP_CLEAR, pkt + RTCP_CLEAR)))
		return err;
	return gcm_end_open(c);
}

static int seal_rtcp_gcm(struct srtp_cipher *c, const uint8_t *pkt, size_t n, uint8_t *dst,
			 uint32_t ssrc, uint32_t word)
{
	uint8_t *trailer = dst + n + GCM_TAG;
	int err;

	write32(trailer, word);
	if ((err = gcm_begin_seal(c, ssrc, word & ~ENCRYPTED)) ||
	    (err = gcm_aad(c, dst, RTCP_CLEAR)) || (err = gcm_aad(c, trailer, RTCP_WORD)))
		return err;
	if (n > RTCP_CLEAR &&
	    (err = gcm_update(c, pkt + RTCP_CLEAR, n - RTCP_CLEAR, dst + RTCP_CLEAR)))
		return err;
	return gcm_end_seal(c, dst + n);
}

static const struct profile_ops profiles[] = {
	{ SRTP_AEAD_AES_128_GCM, 16, 12, GCM_TAG, true, open_gcm, seal_gcm, open_rtcp_gcm,
	  seal_rtcp_gcm },
	{ SRTP_AES128_CM_SHA1_80, 16, 14, CM_TAG, false, open_cm, seal_cm, open_rtcp_cm,
	  seal_rtcp_cm },
};

static const struct profile_ops *find_profile(unsigned profile)
{
	for (size_t i = 0; i < STOA_ARRAY_SIZE(profiles); i++)
		if (profiles[i].profile == profile)
			return &profiles[i];
	return NULL;
}

int srtp_profile_sizes(unsigned profile, size_t *ret_key, size_t *ret_salt)
{
	const struct profile_ops *ops = find_profile(profile);

	if (!ops)
		return -EPROTONOSUPPORT;
	*ret_key = ops->key_len;
	*ret_salt = ops->salt_len;
	return 0;
}

STOA_DEFINE_AUTO(struct srtp, srtp_free)

int srtp_new(unsigned profile, enum srtp_way way, const uint8_t *key, const uint8_t *salt,
	     struct srtp **ret_srtp)
{
	const struct profile_ops *ops = find_profile(profile);
	stoa_auto(srtp_free) struct srtp *s = NULL;
	bool seals = way == SRTP_OUT;
	int err;

	if (!ops)
		return -EPROTONOSUPPORT;
	if (!(s = calloc(1, sizeof(*s))))
		return -ENOMEM;
	s->ops = ops;
	table_init(&s->table, SRTP_IN_STREAMS);
	if ((err = cipher_init(&s->rtp, ops->is_gcm, seals, 0, key, salt, ops->salt_len)) ||
	    (err = cipher_init(&s->rtcp, ops->is_gcm, seals, 3, key, salt, ops->salt_len)))
		return err;
	*ret_srtp = stoa_take(s);
	return 0;
}

void srtp_free(struct srtp *s)
{
	if (!s)
		return;
	cipher_reset(&s->rtp);
	cipher_reset(&s->rtcp);
	table_reset(&s->table);
	free(s);
}

/* The entry of an SSRC that has just proved authentic, made if it is new. */
static int take_stream(struct srtp *s, uint32_t ssrc, struct srtp_stream *known,
		       struct srtp_stream **ret_stream)
{
	if (!known)
		return table_add(&s->table, ssrc, ret_stream);
	*ret_stream = known;
	return 0;
}

int srtp_unprotect(struct srtp *s, const uint8_t *pkt, size_t n, uint8_t *out, size_t *ret_len,
		   uint64_t *ret_index)
{
	size_t clear = measure_header(pkt, n);
	struct srtp_stream *st;
	struct srtp_window *w;
	uint64_t index;
	uint32_t ssrc;
	int err;

	if (!clear || n < clear + s->ops->tag_len)
		return -EINVAL;
	ssrc = read32(pkt + 8);
	st = table_find(&s->table, ssrc);
	if (stream_guess(st, (uint16_t)(pkt[2] << 8 | pkt[3]), &index))
		return -EALREADY;
	if (st && st->has_rtp &&
	    window_has(table_window(&s->table, st)->rtp, REPLAY_RTP, st->top, index))
		return -EALREADY;
	if ((err = s->ops->open(&s->rtp, pkt, n, clear, out, ssrc, index)) ||
	    (err = take_stream(s, ssrc, st, &st)))
		return err;
	w = table_window(&s->table, st);
	st->top = window_mark(w->rtp, REPLAY_RTP, st->has_rtp ? st->top : index, index);
	st->has_rtp = true;
	if (out != pkt)
		memcpy(out, pkt, clear);
	*ret_len = n - s->ops->tag_len;
	if (ret_index)
		*ret_index = index;
	return 0;
}

int srtp_unprotect_rtcp(struct srtp *s, uint8_t *pkt, size_t n, size_t *ret_len)
{
	size_t tag = s->ops->tag_len;
	struct srtp_stream *st;
	struct srtp_window *w;
	uint32_t ssrc, word, index;
	int err;

	if (n < RTCP_CLEAR + RTCP_WORD + tag || pkt[0] >> 6 != 2)
		return -EINVAL;
	ssrc = read32(pkt + 4);
	word = read32(s->ops->is_gcm ? pkt + n - RTCP_WORD : pkt + n - tag - RTCP_WORD);
	if (!(word & ENCRYPTED))
		return -EINVAL;
	index = word & ~ENCRYPTED;
	st = table_find(&s->table, ssrc);
	if (st && st->has_rtcp &&
	    window_has(table_window(&s->table, st)->rtcp, REPLAY_RTCP, st->rtcp_top, index))
		return -EALREADY;
	if ((err = s->ops->open_rtcp(&s->rtcp, pkt, n, ssrc, word)) ||
	    (err = take_stream(s, ssrc, st, &st)))
		return err;
	w = table_window(&s->table, st);
	st->rtcp_top = (uint32_t)window_mark(w->rtcp, REPLAY_RTCP,
					     st->has_rtcp ? st->rtcp_top : index, index);
	st->has_rtcp = true;
	*ret_len = n - RTCP_WORD - tag;
	return 0;
}

int srtp_protect(struct srtp *s, const struct srtp_plain *p, uint8_t *dst, size_t cap,
		 size_t *ret_len)
{
	size_t len = (size_t)p->head_len + p->payload_len + p->pad;
	int err;

	if (p->clear_len < 12 || p->head_len < p->clear_len ||
	    (uint16_t)p->index != (p->head[2] << 8 | p->head[3]))
		return -EINVAL;
	if (cap < len + s->ops->tag_len)
		return -ENOSPC;
	memcpy(dst, p->head, p->clear_len);
	if (p->pad)
		dst[0] |= 0x20;
	if ((err = s->ops->seal(&s->rtp, p, dst, read32(p->head + 8), p->index)))
		return err;
	*ret_len = len + s->ops->tag_len;
	return 0;
}

int srtp_protect_rtcp(struct srtp *s, const uint8_t *pkt, size_t n, uint8_t *dst, size_t cap,
		      size_t *ret_len)
{
	size_t len = n + RTCP_WORD + s->ops->tag_len;
	int err;

	if (n < RTCP_CLEAR)
		return -EINVAL;
	if (cap < len || s->rtcp_index == ~ENCRYPTED)
		return -ENOSPC;
	s->rtcp_index++;
	memcpy(dst, pkt, RTCP_CLEAR);
	if ((err = s->ops->seal_rtcp(&s->rtcp, pkt, n, dst, read32(pkt + 4),
				     s->rtcp_index | ENCRYPTED)))
		return err;
	*ret_len = len;
	return 0;
}

size_t srtp_footprint(const struct srtp *s)
{
	return sizeof(*s) + table_footprint(&s->table);
}
