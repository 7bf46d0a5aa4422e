/* SPDX-License-Identifier: Apache-2.0 */
/* The options of mod_http, and what must hold across them. What they are turned into for the edges
 * stands in settings.c. */
#include <string.h>

#include "http.h"
#include "tls.h"

static const struct stoa_opt listener_options[] = {
	{ .key = "address",
	  .type = STOA_OPT_ADDRESS,
	  .flags = STOA_OPT_REQUIRED,
	  .doc = "Address and port to listen on." },
	{ .key = "tls-certificate",
	  .type = STOA_OPT_PATH,
	  .doc = "PEM file with the certificate and its chain; unset means plain HTTP." },
	{ .key = "tls-key",
	  .type = STOA_OPT_PATH,
	  .doc = "PEM file with the certificate's private key." },
	{ .key = "http2",
	  .type = STOA_OPT_BOOL,
	  .dflt = "yes",
	  .doc = "Offer HTTP/2 to clients that connect with TLS." },
	STOA_OPT_END
};

const struct stoa_opt http_options[] = {
	{ .key = "listeners",
	  .type = STOA_OPT_MAP,
	  .item = listener_options,
	  .doc = "Named addresses to serve; none means http on 127.0.0.1:7880." },
	{ .key = "edge-threads",
	  .type = STOA_OPT_INT,
	  .dflt = "0",
	  .max = EDGES_MAX,
	  .doc = "Threads that serve connections; 0 means as core.net-threads says." },
	{ .key = "public-url",
	  .type = STOA_OPT_STRING,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "Where clients reach this server; unset means as each request's Host says." },
	{ .key = "trusted-proxies",
	  .type = STOA_OPT_LIST,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "Addresses or networks whose X-Forwarded-For, -Host and -Proto are believed." },
	{ .key = "cors-origins",
	  .type = STOA_OPT_LIST,
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "Origins whose pages may call the API, or * for all." },
	{ .key = "access-log",
	  .type = STOA_OPT_BOOL,
	  .dflt = "no",
	  .flags = STOA_OPT_RELOADABLE,
	  .doc = "Log one line per request at level info, without its query." },
	{ .key = "request-line-max",
	  .type = STOA_OPT_SIZE,
	  .dflt = "33K",
	  .flags = STOA_OPT_RELOADABLE,
	  .min = 1024,
	  .max = 60 * 1024,
	  .doc = "Longest request line; LiveKit's join requests need up to 32K." },
	{ .key = "head-max",
	  .type = STOA_OPT_SIZE,
	  .dflt = "60K",
	  .flags = STOA_OPT_RELOADABLE,
	  .min = 2048,
	  .max = 64 * 1024,
	  .doc = "Longest request line and headers together." },
	{ .key = "body-max",
	  .type = STOA_OPT_SIZE,
	  .dflt = "1M",
	  .flags = STOA_OPT_RELOADABLE,
	  .min = 1024,
	  .max = INT64_C(1) << 32,
	  .doc = "Longest request body where a route sets no limit of its own." },
	{ .key = "idle-timeout",
	  .type = STOA_OPT_DURATION,
	  .dflt = "65s",
	  .flags = STOA_OPT_RELOADABLE,
	  .min = 1000,
	  .max = 3600 * 1000,
	  .doc = "How long a connection may be idle between requests, or not take what we send." },
	{ .key = "head-timeout",
	  .type = STOA_OPT_DURATION,
	  .dflt = "10s",
	  .flags = STOA_OPT_RELOADABLE,
	  .min = 250,
	  .max = 600 * 1000,
	  .doc = "Within what time a request line and headers must be complete." },
	{ .key = "body-timeout",
	  .type = STOA_OPT_DURATION,
	  .dflt = "20s",
	  .flags = STOA_OPT_RELOADABLE,
	  .min = 250,
	  .max = 600 * 1000,
	  .doc = "How long the next piece of a request body may take." },
	{ .key = "connections-max",
	  .type = STOA_OPT_INT,
	  .dflt = "10000",
	  .flags = STOA_OPT_RELOADABLE,
	  .min = 1,
	  .max = 1000000,
	  .doc = "Connections at one time; further ones are closed at once." },
	{ .key = "connections-per-address",
	  .type = STOA_OPT_INT,
	  .dflt = "1000",
	  .flags = STOA_OPT_RELOADABLE,
	  .min = 0,
	  .max = 1000000,
	  .doc = "Connections at one time from one address (an IPv6 /64); 0 means no limit." },
	{ .key = "requests-per-address",
	  .type = STOA_OPT_INT,
	  .dflt = "0",
	  .flags = STOA_OPT_RELOADABLE,
	  .min = 0,
	  .max = 60000000,
	  .doc = "Requests a minute from one address, a sixth of it at once; 0 means no limit." },
	STOA_OPT_END
};

static void check_listener(const struct stoa_conf *lc, const char *name, struct stoa_errors *e)
{
	const char *certificate = stoa_conf_string(lc, "tls-certificate");
	const char *key = stoa_conf_string(lc, "tls-key");
	char why[300];

	if (!*certificate != !*key) {
		stoa_errors_add(e, lc, *certificate ? "tls-certificate" : "tls-key",
				"listener %s has %s: set both tls-certificate and tls-key, or "
				"neither",
				name,
				*certificate ? "a certificate without a key"
					     : "a key without a certificate");
	} else if (*certificate && tls_check(certificate, key, why, sizeof(why)) < 0) {
		stoa_errors_add(e, lc, "tls-certificate", "listener %s %s", name, why);
	}
}

int options_check(struct stoa_mod *m, const struct stoa_conf *c, struct stoa_errors *e)
{
	size_t n = stoa_conf_map_len(c, "listeners");
	const char *url = stoa_conf_string(c, "public-url");
	struct proxy_net net;
	const char *name;

	(void)m;
	if (n > LISTENERS_MAX)
		stoa_errors_add(e, c, "listeners", "%zu listeners, at most %d are possible", n,
				LISTENERS_MAX);
	for (size_t i = 0; i < n; i++) {
		const struct stoa_conf *lc = stoa_conf_map_get(c, "listeners", i, &name);

		check_listener(lc, name, e);
	}
	if (*url && strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0)
		stoa_errors_add(e, c, "public-url",
				"public-url begins with http:// or https://, not \"%s\"", url);
	for (size_t i = 0; i < stoa_conf_list_len(c, "trusted-proxies"); i++) {
		const char *text = stoa_conf_list_get(c, "trusted-proxies", i);

		if (proxy_net_parse(text, &net) < 0)
			stoa_errors_add(e, c, "trusted-proxies",
					"\"%s\" is no address or network such as 10.0.0.0/8", text);
	}
	if (stoa_conf_size(c, "head-max") < stoa_conf_size(c, "request-line-max"))
		stoa_errors_add(e, c, "head-max", "head-max is below request-line-max");
	return 0;
}
