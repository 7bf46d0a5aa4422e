/* SPDX-License-Identifier: Apache-2.0 */
/* RTCP compounds: every packet is offered to every reader. */
#include "rtcp.h"
#include <stdlib.h>

static void on_seq(uint16_t seq, void *user)
{
	(void)seq;
	++*(unsigned *)user;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct stoa_cursor c = stoa_cur(data, n);
	struct rtcp_packet p;

	while (rtcp_next(&c, &p) > 0) {
		struct stoa_cursor body = p.body;
		struct rtcp_sender_info info;
		struct rtcp_report report;
		struct rtcp_feedback fb;
		unsigned seqs = 0;
		uint32_t ssrc;
		uint64_t bps;
		uint8_t seq;

		if (body.p < data || body.end > data + n || body.p > body.end)
			abort();
		if (rtcp_read_sr(&body, &ssrc, &info) == 0)
			while (rtcp_read_report(&body, &report) == 0)
				;
		body = p.body;
		if (rtcp_read_feedback(&body, &fb) < 0)
			continue;
		if (rtcp_read_nack(&body, 100, on_seq, &seqs) > 100 || seqs > 100)
			abort();
		body = p.body;
		stoa_cur_skip(&body, 8);
		while (rtcp_read_fir(&body, &ssrc, &seq))
			;
		body = p.body;
		stoa_cur_skip(&body, 8);
		rtcp_read_remb(&body, &bps);
	}
	return 0;
}
