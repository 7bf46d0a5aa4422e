/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP/2 streams, which libwebsockets hands us as its own HTTP transactions. */
#include "edge.h"
#include "tls.h"

int h2_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	(void)wsi;
	(void)in;
	(void)len;
	if (reason == LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS)
		tls_context_made(lws_get_vhost_user((struct lws_vhost *)in), user);
	return 0;
}
