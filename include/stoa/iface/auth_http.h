/* SPDX-License-Identifier: Apache-2.0 */
#ifndef STOA_IFACE_AUTH_HTTP_H
#define STOA_IFACE_AUTH_HTTP_H

#include <stoa/iface/auth.h>
#include <stoa/iface/http.h>

/*
 * Who is calling, for modules with HTTP routes: the bearer of a request, checked, or the request
 * answered with 401. All inline; for modules that hold both interfaces.
 *
 * ABI log: 0.1 first version.
 */

STOA_BEGIN_DECLS

/** The token of "Authorization: Bearer …" (RFC 6750 section 2.1); empty when there is none.
 *  Borrowed from the request. Thread: the handler's. */
static inline struct stoa_str stoa_auth_http_bearer(const struct stoa_http_req *r)
{
	static const char scheme[] = "bearer ";
	struct stoa_str h = stoa_http_req_header(r, "authorization");
	size_t n = sizeof(scheme) - 1;

	if (h.n < n)
		return stoa_strn(NULL, 0);
	for (size_t i = 0; i < n; i++) /* letters to lower case; a space stays one */
		if ((char)(h.p[i] | 0x20) != scheme[i])
			return stoa_strn(NULL, 0);
	while (n < h.n && h.p[n] == ' ')
		n++;
	return stoa_strn(h.p + n, h.n - n);
}

/** The code and the sentence of the 401 for a reason that a check gave (NULL: there was no token).
 *  Clients learn that a token expired, of other faults only that it is not valid. Pure. */
static inline const char *stoa_auth_http_code(const char *why, const char **ret_detail)
{
	bool expired = why && strcmp(why, STOA_AUTH_EXPIRED) == 0;

	*ret_detail = expired ? "The token has expired."
		      : why   ? "The token is not valid."
			      : "A token is needed: Authorization: Bearer <token>.";
	return expired ? "token_expired" : "unauthorized";
}

/** Answers 401 with WWW-Authenticate. Thread: the handler's. */
static inline void stoa_auth_http_refuse(struct stoa_http_req *r, const char *why)
{
	const char *detail;
	const char *code = stoa_auth_http_code(why, &detail);

	stoa_http_problem(r, 401, code, detail);
}

/** The user of a request: 0 and a reference, to be dropped with stoa_user_unref(); or -EACCES and
 *  the request has been answered. Thread: the handler's. */
static inline int stoa_auth_http_user(const struct stoa_auth *a, struct stoa_http_req *r,
				      const struct stoa_user **ret_user)
{
	struct stoa_str token = stoa_auth_http_bearer(r);
	const char *why = NULL;

	if (token.n && stoa_auth_user_check(a, token, ret_user, &why) == 0)
		return 0;
	stoa_auth_http_refuse(r, token.n && !why ? "not valid" : why);
	return -EACCES;
}

/** The same for a media token, which server-to-server calls carry; drop the grant with
 *  stoa_auth_media_unref(). Thread: the handler's. */
static inline int stoa_auth_http_media(const struct stoa_auth *a, struct stoa_http_req *r,
				       const struct stoa_media_grant **ret_grant)
{
	struct stoa_str token = stoa_auth_http_bearer(r);
	const char *why = NULL;

	if (token.n && stoa_auth_media_check(a, token, ret_grant, &why) == 0)
		return 0;
	stoa_auth_http_refuse(r, token.n && !why ? "not valid" : why);
	return -EACCES;
}

STOA_END_DECLS

#endif
