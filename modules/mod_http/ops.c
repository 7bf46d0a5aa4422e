/* SPDX-License-Identifier: Apache-2.0 */
/* The interface `http` as modules call it: offer.c and ops_*.c have its functions, ws_send.c those of
 * WebSockets. */
#include "ops.h"

const struct stoa_http_ops http_ops = {
	.size = sizeof(struct stoa_http_ops),
	.route_add = offer_route,
	.ws_route_add = offer_ws_route,
	.files_add = offer_files,
	.remove = offer_remove,
	.publish = offer_publish,
	.unpublish = offer_unpublish,
	.publish_rule = offer_publish_rule,
	.req_method = req_method,
	.req_path = req_path,
	.req_param = req_param,
	.req_query = req_query,
	.req_header = req_header,
	.req_body = req_body,
	.req_peer = req_peer,
	.req_base_url = req_base_url,
	.req_watch = req_watch,
	.answer = req_answer,
	.problem = req_problem,
	.answer_begin = req_answer_begin,
	.answer_write = req_answer_write,
	.answer_end = req_answer_end,
	.answer_file = req_answer_file,
	.ws_accept = req_accept_ws,
	.ws_ref = ws_op_ref,
	.ws_unref = ws_op_unref,
	.ws_send = ws_op_send,
	.ws_send_frames = ws_op_send_frames,
	.ws_close = ws_op_close,
	.ws_loop = ws_op_loop,
};
