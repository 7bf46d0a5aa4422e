/* SPDX-License-Identifier: Apache-2.0 */
/* The parser of offers, line by line; attributes are sdp_attribute.c. Runs on the edge thread of the
 * client's socket: pure, no state but the result. What the session says, every section inherits. */
#include "sdp.h"
#include "sdp_attribute.h"
#include "sdp_word.h"
#include <errno.h>
#include <stdlib.h>

const struct sdp_codec *sdp_find_pt(const struct sdp_section *s, uint8_t pt)
{
	for (uint32_t i = 0; i < s->n_codecs; i++)
		if (s->codecs[i].pt == pt)
			return &s->codecs[i];
	return NULL;
}

static enum sdp_kind kind_of(struct stoa_str s)
{
	return word_is(s, "audio")         ? SDP_AUDIO
	       : word_is(s, "video")       ? SDP_VIDEO
	       : word_is(s, "application") ? SDP_APPLICATION
					   : SDP_OTHER;
}

static int add_codecs(struct sdp_section *s, struct stoa_str formats)
{
	s->codecs = calloc(SDP_CODECS_MAX, sizeof(s->codecs[0]));
	if (!s->codecs)
		return -ENOMEM;
	while (formats.n && s->n_codecs < SDP_CODECS_MAX) {
		uint64_t pt;

		if (sdp_number(word_take(&formats, ' '), 127, &pt) && !sdp_find_pt(s, (uint8_t)pt))
			s->codecs[s->n_codecs++] =
				(struct sdp_codec){ .pt = (uint8_t)pt, .channels = 1 };
	}
	return 0;
}

static int grow(struct sdp_parsing *p)
{
	uint32_t cap = p->cap ? p->cap * 2 : 16;
	struct sdp_section *s;

	if (p->sdp->n < p->cap)
		return 0;
	if (p->sdp->n >= SDP_SECTIONS_MAX)
		return -E2BIG;
	s = realloc(p->sdp->s, cap * sizeof(*s));
	if (!s)
		return -ENOMEM;
	p->sdp->s = s;
	p->cap = cap;
	return 0;
}

static int parse_media(struct sdp_parsing *p, struct stoa_str v)
{
	enum sdp_kind kind = kind_of(word_take(&v, ' '));
	struct stoa_str port_text = word_take(&v, ' ');
	uint64_t port = 0;
	int err = grow(p);

	if (err < 0)
		return err;
	if (!sdp_number(word_take(&port_text, '/'), UINT16_MAX, &port))
		return -EINVAL;
	p->s = &p->sdp->s[p->sdp->n++];
	*p->s = p->session;
	p->s->kind = kind;
	p->s->is_rejected = port == 0; /* taken back by a=bundle-only: see finish() */
	p->s->protocol = word_take(&v, ' ');
	return kind == SDP_AUDIO || kind == SDP_VIDEO ? add_codecs(p->s, v) : 0;
}

static int parse_line(struct sdp_parsing *p, struct stoa_str line)
{
	struct stoa_str v;

	if (line.n == 0)
		return 0;
	if (line.n < 2 || line.p[1] != '=')
		return -EINVAL;
	v = stoa_strn(line.p + 2, line.n - 2);
	if (!p->has_version) {
		p->has_version = line.p[0] == 'v' && stoa_str_is(word_trim(v), "0");
		return p->has_version ? 0 : -EINVAL;
	}
	if (line.p[0] == 'm')
		return parse_media(p, word_trim(v));
	if (line.p[0] == 'a')
		sdp_attribute_apply(p, v);
	return p->err;
}

static void finish(struct sdp_parsing *p)
{
	for (uint32_t i = 0; i < p->sdp->n; i++) {
		struct sdp_section *s = &p->sdp->s[i];
		struct stoa_str mids = p->bundle;

		if (s->is_bundle_only)
			s->is_rejected = false;
		while (s->mid.n && mids.n && !s->is_bundled)
			s->is_bundled = stoa_str_eq(word_take(&mids, ' '), s->mid);
	}
}

int sdp_parse(struct stoa_str text, struct stoa_sdp **ret_sdp)
{
	struct sdp_parsing p = { .session = { .direction = SDP_SEND | SDP_RECV } };
	struct stoa_str rest;
	int err = 0;

	if (text.n > SDP_TEXT_MAX)
		return -E2BIG;
	p.sdp = calloc(1, sizeof(*p.sdp));
	if (!p.sdp || !(p.sdp->text = malloc(text.n + 1))) {
		free(p.sdp);
		return -ENOMEM;
	}
	if (text.n)
		memcpy(p.sdp->text, text.p, text.n);
	p.sdp->text[text.n] = '\0';
	p.s = &p.session;
	rest = stoa_strn(p.sdp->text, text.n);
	while (rest.n && err == 0)
		err = parse_line(&p, word_trim(word_take(&rest, '\n')));
	if (err == 0 && p.sdp->n == 0)
		err = -EINVAL;
	if (err < 0) {
		sdp_free(p.sdp);
		return err;
	}
	finish(&p);
	*ret_sdp = p.sdp;
	return 0;
}

void sdp_free(struct stoa_sdp *sdp)
{
	if (!sdp)
		return;
	for (uint32_t i = 0; i < sdp->n; i++) {
		free(sdp->s[i].codecs);
		free(sdp->s[i].exts);
	}
	free(sdp->s);
	free(sdp->text);
	free(sdp);
}
