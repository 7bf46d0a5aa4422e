/* SPDX-License-Identifier: Apache-2.0 */
/* Names of codecs. */
#include "codec.h"
#include <strings.h>

static const char *const mimes[CODECS] = {
	[CODEC_NONE] = "",
	[CODEC_OPUS] = "audio/opus",
	[CODEC_VP8] = "video/VP8",
	[CODEC_H264] = "video/H264",
};

const char *codec_mime(enum codec c)
{
	return mimes[c];
}

enum codec codec_from_mime(const char *mime)
{
	for (int i = CODEC_NONE + 1; i < CODECS; i++)
		if (mime && strcasecmp(mime, mimes[i]) == 0)
			return (enum codec)i;
	return CODEC_NONE;
}
