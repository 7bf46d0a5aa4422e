/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SFU_SDP_H
#define SFU_SDP_H

#include "command.h"
#include "rtp.h"
#include <stoa/util.h>

/*
 * Offers (RFC 8866 with the attributes of JSEP) as data. Parsing is pure and lenient: what is not
 * understood is skipped, what is too much is refused. Strings point into a copy of the text.
 */

#define SDP_TEXT_MAX     (256 * 1024)
#define SDP_SECTIONS_MAX 512
#define SDP_CODECS_MAX   64 /* of one section; the rest is skipped */
#define SDP_EXTS_MAX     32
#define SDP_RIDS_MAX     4
#define SDP_SSRCS_MAX    16

enum sdp_kind { SDP_AUDIO, SDP_VIDEO, SDP_APPLICATION, SDP_OTHER };

enum { SDP_SEND = 1, SDP_RECV = 2 }; /* of the one who wrote the description */

enum sdp_setup { SDP_SETUP_ACTPASS, SDP_SETUP_ACTIVE, SDP_SETUP_PASSIVE };

enum sdp_feedback { /* a=rtcp-fb */
		    SDP_FB_NACK = 1,
		    SDP_FB_PLI = 2,
		    SDP_FB_FIR = 4,
		    SDP_FB_TRANSPORT_CC = 8,
		    SDP_FB_REMB = 16,
};

struct sdp_codec {
	uint8_t pt;
	struct stoa_str name; /* as written: "opus", "OPUS", "VP8" */
	uint32_t clock;
	uint8_t channels; /* 1 when not written */
	struct stoa_str fmtp;
	uint8_t feedback;
};

struct sdp_ext {
	uint8_t id; /* 1 to RTP_EXT_ID_MAX */
	enum rtp_ext kind;
};

struct sdp_ssrc {
	uint32_t ssrc;
	uint32_t rtx; /* of "a=ssrc-group:FID ssrc rtx"; else 0 */
};

struct sdp_section {
	enum sdp_kind kind;
	struct stoa_str protocol, mid;
	bool is_rejected; /* port 0 without a=bundle-only */
	bool is_bundle_only, is_bundled;
	uint8_t direction; /* SDP_SEND | SDP_RECV */
	struct stoa_str msid_stream, msid_track;
	struct stoa_str ufrag, pwd; /* of the section, else of the session */
	struct stoa_str fingerprint_hash, fingerprint;
	enum sdp_setup setup;
	bool has_rtcp_mux, is_reduced_size;
	uint16_t sctp_port;
	uint32_t n_codecs, n_exts, n_rids, n_ssrcs;
	struct sdp_codec *codecs;
	struct sdp_ext *exts;
	struct stoa_str rids[SDP_RIDS_MAX]; /* to send, in the order of a=simulcast (or of a=rid) */
	bool has_simulcast;
	struct sdp_ssrc ssrcs[SDP_SSRCS_MAX];
};

struct stoa_sdp {
	char *text;
	uint32_t n;
	struct sdp_section *s;
	bool has_bundle;
	bool allows_mixed; /* a=extmap-allow-mixed: two-byte extensions where they are needed */
};

/** -EINVAL: no "v=0" or no m-line; -E2BIG; -ENOMEM. */
int sdp_parse(struct stoa_str text, struct stoa_sdp **ret_sdp);
void sdp_free(struct stoa_sdp *sdp);

const struct sdp_codec *sdp_find_pt(const struct sdp_section *s, uint8_t pt);
/** The value of `key` in a fmtp line ("apt=96;x=y"); false when absent. */
bool sdp_fmtp_get(struct stoa_str fmtp, const char *key, struct stoa_str *ret_value);
/** Decimal without sign; false when it is not one or exceeds `max`. */
bool sdp_number(struct stoa_str s, uint64_t max, uint64_t *ret_n);
/** Fingerprint text to bytes. -EINVAL: unknown hash, or not that many pairs of digits. */
int sdp_fingerprint(struct stoa_str hash, struct stoa_str text, struct peer_dtls *ret_dtls);

#endif
