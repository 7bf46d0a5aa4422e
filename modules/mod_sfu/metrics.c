/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the media plane's metrics, see metrics.h. */
#include "metrics.h"

#include <stoa/metric.h>

#define OF(member) offsetof(struct worker_counters, member)

static const struct {
	const char *name, *labels, *help;
	size_t at; /* a uint64_t of struct worker_counters */
} table[] = {
	{ "datagrams_received_total", NULL, "Datagrams received.", OF(datagrams_in) },
	{ "received_bytes_total", NULL, "Bytes received, without UDP headers.", OF(bytes_in) },
	{ "datagrams_dropped_total", "reason=\"junk\"", "Datagrams received and dropped.",
	  OF(drop_junk) },
	{ "datagrams_dropped_total", "reason=\"too-long\"", "Datagrams received and dropped.",
	  OF(drop_truncated) },
	{ "datagrams_dropped_total", "reason=\"unchecked-address\"",
	  "Datagrams received and dropped.", OF(drop_unchecked) },
	{ "datagrams_dropped_total", "reason=\"no-keys-yet\"", "Datagrams received and dropped.",
	  OF(drop_early) },
	{ "datagrams_dropped_total", "reason=\"no-memory\"", "Datagrams received and dropped.",
	  OF(drop_no_packet) },
	{ "stun_checks_total", NULL, "Authentic connectivity checks answered.", OF(stun_checks) },
	{ "stun_refused_total", "reason=\"unknown-user\"", "STUN messages not answered.",
	  OF(stun_unknown) },
	{ "stun_refused_total", "reason=\"integrity\"", "STUN messages not answered.",
	  OF(stun_forged) },
	{ "stun_refused_total", "reason=\"malformed\"", "STUN messages not answered.",
	  OF(stun_malformed) },
	{ "dtls_handshakes_total", "result=\"ok\"", "DTLS handshakes that ended.", OF(dtls_ready) },
	{ "dtls_handshakes_total", "result=\"failed\"", "DTLS handshakes that ended.",
	  OF(dtls_failed) },
	{ "dtls_refused_total", NULL, "Handshakes put off because too many were under way.",
	  OF(dtls_refused) },
	{ "dtls_data_dropped_total", NULL, "DTLS application data dropped.", OF(dtls_data) },
	{ "srtp_dropped_total", "reason=\"auth\"", "SRTP packets received and dropped.",
	  OF(srtp_forged) },
	{ "srtp_dropped_total", "reason=\"replay\"", "SRTP packets received and dropped.",
	  OF(srtp_replayed) },
	{ "srtp_dropped_total", "reason=\"malformed\"", "SRTP packets received and dropped.",
	  OF(srtp_malformed) },
	{ "send_dropped_total", "reason=\"not-connected\"", "Packets not sent.", OF(send_unready) },
	{ "send_dropped_total", "reason=\"encryption\"", "Packets not sent.", OF(send_failed) },
	{ "send_dropped_total", "reason=\"queue-full\"", "Packets not sent.", OF(out.dropped) },
	{ "packets_sent_total", NULL, "Datagrams sent.", OF(out.packets) },
	{ "sent_bytes_total", NULL, "Bytes sent, without UDP headers.", OF(out.bytes) },
	{ "send_messages_total", NULL, "Messages sent; a train of equal packets is one.",
	  OF(out.messages) },
	{ "send_calls_total", NULL, "System calls that sent them.", OF(out.calls) },
	{ "send_blocked_total", NULL, "Times a socket's buffer was full.", OF(out.blocked) },
	{ "notices_lost_total", NULL, "Notices to the control thread lost.", OF(notices_lost) },
	{ "rtp_received_total", NULL, "RTP packets taken in.", OF(engine.packets_in) },
	{ "rtp_forwarded_total", NULL, "RTP packets sent to subscribers.", OF(engine.packets_out) },
	{ "rtp_dropped_total", "reason=\"malformed\"", "RTP packets dropped after decryption.",
	  OF(engine.drop_malformed) },
	{ "rtp_dropped_total", "reason=\"unknown\"", "RTP packets dropped after decryption.",
	  OF(engine.drop_unknown) },
	{ "rtp_dropped_total", "reason=\"duplicate\"", "RTP packets dropped after decryption.",
	  OF(engine.drop_duplicate) },
	{ "rtp_dropped_total", "reason=\"late\"", "RTP packets dropped after decryption.",
	  OF(engine.drop_late) },
	{ "rtp_dropped_total", "reason=\"muted\"", "RTP packets dropped after decryption.",
	  OF(engine.drop_muted) },
	{ "rtp_lost_total", NULL, "RTP packets of publishers that never came.", OF(engine.lost) },
	{ "rtp_recovered_total", NULL, "RTP packets of publishers that came on request.",
	  OF(engine.recovered) },
	{ "nacks_total", "way=\"in\"", "Packets asked for again.", OF(engine.nacks_in) },
	{ "nacks_total", "way=\"out\"", "Packets asked for again.", OF(engine.nacks_out) },
	{ "retransmitted_total", NULL, "Packets sent again.", OF(engine.retransmitted) },
	{ "retransmit_missed_total", NULL, "Packets asked for that were gone.",
	  OF(engine.retransmit_missed) },
	{ "key_frame_requests_total", "way=\"in\"", "PLI and FIR.", OF(engine.plis_in) },
	{ "key_frame_requests_total", "way=\"out\"", "PLI and FIR.", OF(engine.plis_out) },
	{ "key_frames_total", NULL, "Key frames of publishers.", OF(engine.keyframes) },
	{ "layer_switches_total", NULL, "Changes of a subscriber's layer.",
	  OF(engine.layer_switches) },
	{ "rtcp_received_total", NULL, "RTCP compounds taken in.", OF(engine.rtcp_in) },
	{ "rtcp_malformed_total", NULL, "RTCP compounds dropped as malformed.",
	  OF(engine.rtcp_malformed) },
	{ "transport_feedback_total", NULL, "Transport-wide feedback packets sent.",
	  OF(engine.twcc_out) },
};

static stoa_metric ids[STOA_ARRAY_SIZE(table)]; /* set before any worker runs */

void metrics_declare(struct stoa_mod *m)
{
	for (size_t i = 0; i < STOA_ARRAY_SIZE(table); i++)
		ids[i] = stoa_metric_counter(m, table[i].name, table[i].labels, table[i].help);
}

static uint64_t read_member(const struct worker_counters *c, size_t at)
{
	uint64_t v;

	memcpy(&v, (const char *)c + at, sizeof(v));
	return v;
}

static void gather(struct worker *w)
{
	struct outbox_stats *sum = &w->counters.out;

	memset(sum, 0, sizeof(*sum));
	for (uint32_t i = 0; i < w->n_sockets; i++) {
		const struct outbox_stats *s = outbox_stats(w->sockets[i].outbox);

		sum->packets += s->packets;
		sum->bytes += s->bytes;
		sum->messages += s->messages;
		sum->calls += s->calls;
		sum->dropped += s->dropped;
		sum->blocked += s->blocked;
	}
	w->counters.engine = *engine_stats(w->engine);
}

void metrics_count(struct worker *w)
{
	gather(w);
	for (size_t i = 0; i < STOA_ARRAY_SIZE(table); i++) {
		uint64_t now = read_member(&w->counters, table[i].at);
		uint64_t before = read_member(&w->counted, table[i].at);

		if (now != before)
			stoa_metric_add(ids[i], (int64_t)(now - before));
	}
	w->counted = w->counters;
}
