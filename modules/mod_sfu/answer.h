/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SFU_ANSWER_H
#define SFU_ANSWER_H

#include "codec.h"
#include "model.h"
#include "sdp.h"
#include "sections.h"
#include <stdatomic.h>

/*
 * A planned answer: everything its text says, copied, so that it can be rendered on another thread
 * while the model goes on. Counted; immutable once planned.
 */

#define ANSWER_CODECS_MAX 2 /* the codec and its RTX */

/* Echoed in every section, whether anything flows in it or not: Chromium offers in later sections
 * only the extensions that earlier answers left in use (without RID no simulcast, without the
 * transport-wide number no bandwidth). Absolute send time is left out: nothing here reads it, and
 * aiortc 1.4 gives it the id of the audio level. */
#define ANSWER_EXTS                                                                                \
	(1u << RTP_EXT_MID | 1u << RTP_EXT_RID | 1u << RTP_EXT_REPAIRED_RID |                      \
	 1u << RTP_EXT_AUDIO_LEVEL | 1u << RTP_EXT_TRANSPORT_SEQ | 1u << RTP_EXT_ORIENTATION |     \
	 1u << RTP_EXT_PLAYOUT_DELAY | 1u << RTP_EXT_CONTENT_TYPE | 1u << RTP_EXT_COLOR_SPACE |    \
	 1u << RTP_EXT_ABS_CAPTURE_TIME)

struct answer_codec {
	uint8_t pt, channels, feedback, apt;
	bool is_rtx;
	char name[16];
	uint32_t clock;
	char *fmtp; /* owned; NULL: no line */
};

struct answer_section {
	enum sdp_kind kind;
	char protocol[24], mid[MID_MAX + 1];
	bool is_rejected, is_reduced_size;
	uint8_t direction; /* ours: SDP_SEND | SDP_RECV */
	uint8_t n_codecs, n_exts, n_rids;
	struct answer_codec codecs[ANSWER_CODECS_MAX];
	struct sdp_ext exts[RTP_EXTS];
	char rids[SDP_RIDS_MAX][RID_MAX + 1];
	char stream[80], track[40], cname[32]; /* when we send */
	uint32_t ssrc, rtx_ssrc;
	uint16_t sctp_port;
	bool is_old_sctp; /* "m=application 9 DTLS/SCTP 5000", before RFC 8841 */
};

struct stoa_answer {
	atomic_uint refs;
	uint64_t session;
	uint32_t version;
	bool has_bundle, is_client, allows_mixed;
	char ufrag[16], pwd[33];
	char *fingerprint; /* "sha-256 AB:…" */
	uint32_t n_addresses;
	struct plane_address *addresses;
	uint32_t n_tracks;
	struct stoa_mid_track *tracks; /* into the sections below */
	uint32_t n;
	struct answer_section *s;
};

/** `n` empty sections, one reference. NULL when out of memory. */
struct stoa_answer *answer_new(uint32_t n);
void answer_unref(struct stoa_answer *a);
/** Fills `tracks` from the sections that send. -ENOMEM. */
int answer_index_tracks(struct stoa_answer *a);
int answer_render(const struct stoa_answer *a, struct stoa_buf *out);

/* ---- choosing codecs (pure) ---- */

/** The offered codec that fits `want` best; for H.264 `like` (a fmtp line, may be empty) is the
 *  stream that is to be carried. NULL: not offered. */
const struct sdp_codec *answer_choose_codec(const struct sdp_section *s, enum codec want,
					    struct stoa_str like);
/** The RTX codec that repairs `pt`. NULL: not offered. */
const struct sdp_codec *answer_choose_rtx(const struct sdp_section *s, uint8_t pt);
/** The codec of an offered payload type, by name. */
enum codec answer_codec_of(const struct sdp_codec *c);
/** Writes the codec and its RTX (if any) into the planned section. `extra` is appended to fmtp. */
int answer_put_codec(struct answer_section *a, const struct sdp_section *s,
		     const struct sdp_codec *c, uint8_t feedback, const char *extra);
/** Echoes the offered extensions that are in `wanted` (bits 1 << enum rtp_ext), with ids up to
 *  `id_max`. */
void answer_put_exts(struct answer_section *a, const struct sdp_section *s, uint32_t wanted,
		     uint8_t id_max);
/** The largest id that may be used with this client. */
static inline uint8_t answer_id_max(const struct stoa_answer *a)
{
	return a->allows_mixed ? RTP_EXT_ID_MAX : 14;
}

#endif
