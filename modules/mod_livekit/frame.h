/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LIVEKIT_FRAME_H
#define LIVEKIT_FRAME_H

#include "signal.pb-c.h"

#include <stoa/util.h>

/** One SignalResponse as a ready-made WebSocket frame, to be sent to one or many. NULL when out of
 *  memory. Pure; thread: any. */
struct stoa_bytes *frame_render(const Lk__SignalResponse *r);

#endif
