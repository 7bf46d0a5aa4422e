// SPDX-License-Identifier: Apache-2.0
// LiveKit access tokens for the demo's API key.
import { AccessToken } from 'livekit-server-sdk';
import { API_KEY, API_SECRET } from './stoad.mjs';

export function token(room, identity, grant = {}, options = {}) {
  const t = new AccessToken(API_KEY, API_SECRET, { identity, name: identity, ...options });
  t.addGrant({ roomJoin: true, room, ...grant });
  return t.toJwt();
}
