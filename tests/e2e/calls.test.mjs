// SPDX-License-Identifier: Apache-2.0
// The life of calls over REST: every arrow of the table "Life of a call", every forbidden one, and
// after each the rows in the database, read by another program.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Server, userToken } from './lib/calls.mjs';

const OPEN = ['initiating', 'ringing', 'active'];
const who = {
  alice: userToken('alice', { name: 'Alice', channels: ['general'] }),
  bob: userToken('bob', { name: 'Bob' }),
  carol: userToken('carol', { channels: ['general'] }),
  dave: userToken('dave'),
  mia: userToken('mia', { channels: ['general'], channelRoles: { general: { role: 'moderator' } } }),
  root: userToken('root', { roles: ['admin'] }),
  mod: userToken('mod', { roles: ['moderator'] }),
  all: userToken('all', { channels: '*' }),
  refused: userToken('refused', { name: 'Refused', channels: ['general'] }),
};
let server;

async function initiate(body = {}, by = 'alice') {
  const r = await server.post('/api/calls/initiate', who[by], { type: 'video', ...body });
  assert.equal(r.status, 201, JSON.stringify(r.body));
  return r.body.callId;
}

const direct = () => initiate({ targetUserId: 'bob' });
const group = () => initiate({ targetUserIds: ['bob', 'carol'] });
const channel = (more) => initiate({ channelId: 'general', ...more });

async function ok(id, verb, user, body) {
  const r = await server.act(id, verb, who[user], body);
  assert.equal(r.status, 200, `${user} ${verb}: ${JSON.stringify(r.body)}`);
  return r.body;
}

// Refused with this status and code; the rows stay as they are.
async function refused(id, verb, user, status, error) {
  const rows = () => JSON.stringify([server.call(id), server.people(id)]);
  const had = rows();
  const r = await server.act(id, verb, who[user]);
  assert.equal(r.status, status, `${user} ${verb}: ${JSON.stringify(r.body)}`);
  assert.equal(r.body.error, error);
  assert.match(r.headers.get('content-type'), /^application\/problem\+json/);
  assert.equal(r.body.status, status);
  assert.equal(rows(), had);
}

function over(id, status, reason) {
  const row = server.call(id);
  assert.equal(row.status, status);
  assert.equal(row.end_reason, reason);
  assert.ok(row.ended_at);
  assert.ok(row.duration_seconds >= 0);
  const people = server.people(id);
  for (const [user, s] of Object.entries(people))
    assert.ok(!['ringing', 'joined'].includes(s), `${user} is ${s}`);
  assert.deepEqual(server.rows(
    `SELECT * FROM nchat_webrtc_connections WHERE call_id = '${id}' AND status <> 'disconnected'`), []);
  return people;
}

async function stopped() {
  const how = await server.stop();
  assert.deepEqual(how, { code: 0, signal: null }, server.log);
}

describe('arrows', () => {
  before(async () => { server = await new Server().start(); });
  after(stopped);

  test('initiate: ringing, with a grant', async () => {
    const r = await server.post('/api/calls/initiate', who.alice,
      { type: 'video', targetUserId: 'bob', maxParticipants: 7, metadata: { topic: 'a', n: [1, null] } });
    assert.equal(r.status, 201);
    const g = r.body;
    assert.match(g.callId, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    assert.equal(g.status, 'ringing');
    assert.equal(g.type, 'video');
    assert.equal(g.url, server.url.replace('http', 'ws'));
    assert.ok(Array.isArray(g.iceServers));
    assert.ok(Date.parse(g.expiresAt) > Date.now());
    assert.deepEqual(g.participants.map((p) => [p.userId, p.status]), [['alice', 'joined'], ['bob', 'ringing']]);
    const claims = JSON.parse(Buffer.from(g.token.split('.')[1], 'base64url'));
    assert.equal(claims.sub, 'alice');
    assert.equal(claims.video.room, g.roomName);
    assert.equal(claims.video.roomJoin, true);
    const row = server.call(g.callId);
    assert.equal(row.status, 'ringing');
    assert.equal(row.initiator_id, 'alice');
    assert.equal(row.room_name, g.roomName);
    assert.equal(row.max_participants, 7);
    assert.deepEqual(JSON.parse(row.metadata), { topic: 'a', n: [1, null] });
    assert.match(row.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const c = (await server.get(`/api/calls/${g.callId}`, who.bob)).body;
    assert.deepEqual(c.metadata, { topic: 'a', n: [1, null] });
    assert.equal(c.startedAt, null);
    assert.equal(c.endReason, null);
    await ok(g.callId, 'leave', 'alice');
  });

  test('ringing, the first callee joins: active, the others ring on', async () => {
    const id = await group();
    const g = await ok(id, 'join', 'bob');
    assert.equal(g.status, 'active');
    assert.equal(server.call(id).status, 'active');
    assert.ok(server.call(id).started_at);
    assert.deepEqual(server.people(id), { alice: 'joined', bob: 'joined', carol: 'ringing' });
    await ok(id, 'join', 'carol');
    assert.deepEqual(server.people(id), { alice: 'joined', bob: 'joined', carol: 'joined' });
    await ok(id, 'end', 'alice');
    assert.deepEqual(over(id, 'ended', 'ended'), { alice: 'left', bob: 'left', carol: 'left' });
  });

  test('ringing, every callee declines: declined', async () => {
    const id = await group();
    assert.equal((await ok(id, 'decline', 'bob')).status, 'ringing');
    assert.deepEqual(server.people(id), { alice: 'joined', bob: 'declined', carol: 'ringing' });
    assert.equal((await ok(id, 'decline', 'carol', { reason: 'busy' })).status, 'declined');
    assert.deepEqual(over(id, 'declined', 'busy'), { alice: 'left', bob: 'declined', carol: 'declined' });
  });

  test('ringing, the caller leaves first: cancelled', async () => {
    const id = await direct();
    assert.equal((await ok(id, 'leave', 'alice')).status, 'cancelled');
    assert.deepEqual(over(id, 'cancelled', 'cancelled'), { alice: 'left', bob: 'missed' });
  });

  for (const user of ['alice', 'bob'])
    test(`active 1:1, ${user} leaves: ended`, async () => {
      const id = await direct();
      await ok(id, 'join', 'bob');
      const c = await ok(id, 'leave', user, { reason: 'bye' });
      assert.equal(c.status, 'ended');
      assert.equal(c.endReason, 'bye');
      assert.ok(c.durationSeconds >= 0 && c.endedAt >= c.startedAt);
      assert.deepEqual(over(id, 'ended', 'bye'), { alice: 'left', bob: 'left' });
    });

  test('a group goes on when one leaves, and may be come back to', async () => {
    const id = await group();
    await ok(id, 'join', 'bob');
    await ok(id, 'join', 'carol');
    assert.equal((await ok(id, 'leave', 'alice')).status, 'active');
    assert.deepEqual(server.people(id), { alice: 'left', bob: 'joined', carol: 'joined' });
    await ok(id, 'join', 'alice');
    assert.deepEqual(server.people(id), { alice: 'joined', bob: 'joined', carol: 'joined' });
    await ok(id, 'end', 'alice');
  });

  for (const [user, how] of [['mia', 'of the channel'], ['mod', 'of the application'], ['root', 'admin']])
    test(`active, ended by a moderator (${how})`, async () => {
      const id = await channel();
      await ok(id, 'join', 'carol');
      await ok(id, 'end', user, { reason: 'noise' });
      over(id, 'ended', 'noise');
    });

  test('a channel: no rows for members until they join; a decline leaves none', async () => {
    const id = await channel();
    assert.deepEqual(server.people(id), { alice: 'joined' });
    assert.equal((await ok(id, 'decline', 'carol')).status, 'ringing');
    assert.deepEqual(server.people(id), { alice: 'joined' });
    await ok(id, 'join', 'all');
    assert.equal(server.call(id).status, 'active');
    assert.deepEqual(server.people(id), { alice: 'joined', all: 'joined' });
    await ok(id, 'end', 'alice');
  });

  test('who declined may still come while the call is open', async () => {
    const id = await group();
    await ok(id, 'decline', 'carol');
    await ok(id, 'join', 'carol');
    assert.equal(server.call(id).status, 'active');
    await ok(id, 'end', 'alice');
  });

  test('a second device: the same grant again, one row', async () => {
    const id = await direct();
    await ok(id, 'join', 'alice');
    assert.equal(server.call(id).status, 'ringing');
    await ok(id, 'join', 'bob');
    const joined = server.rows(`SELECT joined_at FROM nchat_call_participants WHERE call_id = '${id}'`);
    const g = await ok(id, 'join', 'bob');
    assert.equal(g.status, 'active');
    assert.deepEqual(server.rows(`SELECT joined_at FROM nchat_call_participants WHERE call_id = '${id}'`), joined);
    await ok(id, 'leave', 'bob');
  });

  test('full', async () => {
    const id = await channel({ maxParticipants: 2 });
    await ok(id, 'join', 'carol');
    await refused(id, 'join', 'mia', 409, 'call_full');
    await ok(id, 'join', 'carol'); // hers is taken already
    await ok(id, 'leave', 'carol');
    await ok(id, 'join', 'mia');
    await ok(id, 'end', 'alice');
  });

  test('a thousand are invited at once', async () => {
    const targetUserIds = Array.from({ length: 999 }, (_, i) => `user-${i}`);
    const id = await initiate({ targetUserIds, maxParticipants: 1000 });
    assert.equal(Object.values(server.people(id)).filter((s) => s === 'ringing').length, 999);
    await ok(id, 'leave', 'alice');
    assert.equal(Object.values(server.people(id)).filter((s) => s === 'missed').length, 999);
  });
});

describe('forbidden', () => {
  before(async () => { server = await new Server().start(); });
  after(stopped);
  const verbs = ['join', 'decline', 'leave', 'end'];

  test('in every status, for strangers and without a token', async () => {
    const ringing = await direct();
    const active = await direct();
    await ok(active, 'join', 'bob');
    const ended = await direct();
    await ok(ended, 'leave', 'alice');
    for (const id of [ringing, active, ended]) {
      for (const verb of verbs) {
        await refused(id, verb, 'dave', 404, 'call_not_found');
        await refused(id, verb, 'nobody', 401, 'unauthorized');
      }
      assert.equal((await server.get(`/api/calls/${id}`, who.dave)).status, 404);
      assert.equal((await server.get(`/api/calls/${id}`, who.bob)).status, 200);
      assert.equal((await server.get(`/api/calls/${id}`)).status, 401);
    }
  });

  test('ringing', async () => {
    const id = await direct();
    await refused(id, 'decline', 'alice', 409, 'not_ringing');
    await refused(id, 'end', 'alice', 409, 'call_not_active');
    await refused(id, 'end', 'root', 409, 'call_not_active');
    await refused(id, 'end', 'bob', 403, 'not_allowed');
    await refused(id, 'leave', 'bob', 409, 'not_in_call');
    await refused(id, 'join', 'root', 403, 'not_invited');
    await refused(id, 'decline', 'root', 409, 'not_ringing');
    await refused(id, 'leave', 'root', 409, 'not_in_call');
  });

  test('declined: not twice', async () => {
    const id = await group();
    await ok(id, 'decline', 'bob');
    await refused(id, 'decline', 'bob', 409, 'not_ringing');
    await refused(id, 'leave', 'bob', 409, 'not_in_call');
  });

  test('active', async () => {
    const id = await group();
    await ok(id, 'join', 'bob');
    await refused(id, 'decline', 'bob', 409, 'not_ringing');
    await refused(id, 'end', 'bob', 403, 'not_allowed');
    await refused(id, 'leave', 'carol', 409, 'not_in_call');
    await ok(id, 'leave', 'bob');
    await refused(id, 'leave', 'bob', 409, 'not_in_call');
    await refused(id, 'decline', 'bob', 409, 'not_ringing');
  });

  test('a channel of which one is not', async () => {
    const id = await channel();
    for (const verb of verbs) await refused(id, verb, 'bob', 404, 'call_not_found');
    await refused(id, 'end', 'carol', 403, 'not_allowed');
    await refused(id, 'leave', 'carol', 409, 'not_in_call');
    const r = await server.post('/api/calls/initiate', who.bob, { type: 'audio', channelId: 'general' });
    assert.equal(r.status, 403);
    assert.equal(r.body.error, 'not_a_member');
  });

  test('whatever is over', async () => {
    const ways = { ended: await direct(), declined: await direct(), cancelled: await direct() };
    await ok(ways.ended, 'join', 'bob');
    await ok(ways.ended, 'leave', 'bob');
    await ok(ways.declined, 'decline', 'bob');
    await ok(ways.cancelled, 'leave', 'alice');
    const failed = await server.post('/api/calls/initiate', who.alice,
      { type: 'audio', targetUserId: 'bob', metadata: { refuse: 'no' } });
    assert.equal(failed.status, 403);
    ways.failed = server.rows("SELECT call_id FROM nchat_calls WHERE status = 'failed'")[0].call_id;
    for (const id of Object.values(ways))
      for (const verb of verbs)
        for (const user of ['alice', 'bob', 'root']) await refused(id, verb, user, 409, 'call_over');
  });

  test('no such call', async () => {
    for (const id of ['018f0000-0000-7000-8000-000000000000', 'x', '%20', '..%2f', `${'a'.repeat(500)}`])
      for (const verb of verbs) assert.equal((await server.act(id, verb, who.alice)).status, 404);
    assert.equal((await server.request('PUT', '/api/calls/initiate', { who: who.alice })).status, 405);
    assert.equal((await server.get('/api/calls/x/join', who.alice)).status, 405);
  });
});

describe('input', () => {
  before(async () => { server = await new Server().start(); });
  after(stopped);

  const bad = [
    [{}, 'type'],
    [{ type: 'smoke', targetUserId: 'bob' }, 'type'],
    [{ type: 7, targetUserId: 'bob' }, 'type'],
    [{ type: 'video' }, 'targetUserId'],
    [{ type: 'video', targetUserId: 'bob', targetUserIds: ['carol'] }, 'channelId'],
    [{ type: 'video', targetUserId: '' }, 'targetUserId'],
    [{ type: 'video', targetUserId: 'x'.repeat(256) }, 'targetUserId'],
    [{ type: 'video', targetUserId: 'alice' }, 'targetUserId'],
    [{ type: 'video', targetUserIds: [] }, 'targetUserIds'],
    [{ type: 'video', targetUserIds: 'bob' }, 'targetUserIds'],
    [{ type: 'video', targetUserIds: ['bob', 'alice'] }, 'targetUserIds'],
    [{ type: 'video', targetUserIds: Array.from({ length: 1000 }, (_, i) => `u${i}`) }, 'targetUserIds'],
    [{ type: 'video', channelId: 5 }, 'channelId'],
    [{ type: 'video', channelId: 'general', maxParticipants: 1 }, 'maxParticipants'],
    [{ type: 'video', channelId: 'general', maxParticipants: 1001 }, 'maxParticipants'],
    [{ type: 'video', channelId: 'general', maxParticipants: '5' }, 'maxParticipants'],
    [{ type: 'video', channelId: 'general', metadata: 'text' }, 'metadata'],
    [{ type: 'video', channelId: 'general', metadata: { big: 'x'.repeat(20000) } }, 'metadata'],
  ];
  for (const [body, field] of bad)
    test(`initiate ${JSON.stringify(body).slice(0, 60)}`, async () => {
      const r = await server.post('/api/calls/initiate', who.alice, body);
      assert.equal(r.status, 400);
      assert.equal(r.body.errors[0].field, field);
      assert.ok(r.body.errors[0].reason);
    });

  test('bodies that are no JSON object', async () => {
    for (const body of ['{', '[]', '7', '"x"', 'null', '{"type":"video","type":"audio"}', '\0', '{"a":"\\u0000"}'])
      assert.equal((await server.post('/api/calls/initiate', who.alice, body)).status, 400, body);
    const r = await server.post('/api/calls/initiate', who.alice, '{}', { headers: { 'content-type': 'text/plain' } });
    assert.equal(r.status, 415);
    assert.equal((await server.post('/api/calls/initiate', who.alice, `"${'x'.repeat(500000)}"`)).status, 413);
  });

  test('reasons', async () => {
    const id = await direct();
    for (const reason of ['', 7, 'x'.repeat(256), {}]) {
      const r = await server.act(id, 'leave', who.alice, { reason });
      assert.equal(r.status, 400);
      assert.equal(r.body.errors[0].field, 'reason');
    }
    assert.equal(server.call(id).status, 'ringing');
    await ok(id, 'leave', 'alice', { reason: 'ü'.repeat(127) });
    assert.equal(server.call(id).end_reason, 'ü'.repeat(127));
  });

  test('none of it was stored', () => {
    assert.equal(server.rows('SELECT COUNT(*) AS n FROM nchat_calls')[0].n, 1);
  });
});

describe('lists', () => {
  const all = {};
  before(async () => {
    server = await new Server().start();
    for (const [name, make] of Object.entries({
      ab: direct,
      group,
      channel,
      bd: () => initiate({ targetUserId: 'dave' }, 'bob'),
      other: () => initiate({ channelId: 'staff' }, 'all'),
    })) all[name] = await make();
    await ok(all.ab, 'decline', 'bob');
  });
  after(stopped);
  const names = async (user, query = '') => {
    const r = await server.get(`/api/calls${query}`, who[user]);
    assert.equal(r.status, 200);
    return r.body.items.map((c) => Object.keys(all).find((k) => all[k] === c.callId));
  };

  test("nobody else's calls, newest first", async () => {
    assert.deepEqual(await names('alice'), ['channel', 'group', 'ab']);
    assert.deepEqual(await names('bob'), ['bd', 'group', 'ab']);
    assert.deepEqual(await names('carol'), ['channel', 'group']);
    assert.deepEqual(await names('dave'), ['bd']);
    assert.deepEqual(await names('mia'), ['channel']);
    assert.deepEqual(await names('all'), ['other', 'channel']);
    assert.deepEqual(await names('root'), []);
    assert.equal((await server.get('/api/calls')).status, 401);
  });

  test('filters', async () => {
    assert.deepEqual(await names('alice', '?status=declined'), ['ab']);
    assert.deepEqual(await names('alice', '?status=ringing'), ['channel', 'group']);
    assert.deepEqual(await names('alice', '?channelId=general'), ['channel']);
    assert.deepEqual(await names('bob', '?channelId=general'), []);
    assert.deepEqual(await names('alice', "?channelId=general'%20OR%20'1'='1"), []);
    for (const query of ['?status=gone', '?limit=0', '?limit=201', '?limit=x', '?cursor=x', '?limit=-1'])
      assert.equal((await server.get(`/api/calls${query}`, who.alice)).status, 400, query);
  });

  test('pages', async () => {
    const ids = [];
    for (let i = 0; i < 23; i++) ids.unshift(await initiate({ targetUserId: 'eve' }, 'mod'));
    const seen = [];
    let cursor = '';
    do {
      const r = await server.get(`/api/calls?limit=5${cursor && `&cursor=${cursor}`}`, who.mod);
      assert.ok(r.body.items.length <= 5);
      seen.push(...r.body.items.map((c) => c.callId));
      cursor = r.body.nextCursor;
      if (seen.length === 5) await initiate({ targetUserId: 'eve' }, 'mod'); // a new one shifts nothing
    } while (cursor);
    assert.deepEqual(seen, ids);
  });
});

describe('hooks and keys', () => {
  before(async () => { server = await new Server().start(); });
  after(stopped);

  test('call.initiate refuses: failed', async () => {
    const r = await server.post('/api/calls/initiate', who.alice,
      { type: 'audio', targetUserId: 'bob', metadata: { refuse: 'quiet_hours' } });
    assert.equal(r.status, 403);
    assert.equal(r.body.error, 'quiet_hours');
    const row = server.rows("SELECT * FROM nchat_calls WHERE end_reason = 'quiet_hours'")[0];
    assert.equal(row.status, 'failed');
    assert.deepEqual(server.people(row.call_id), { alice: 'left', bob: 'invited' });
  });

  test('call.join refuses: nothing changes', async () => {
    const id = await channel();
    await refused(id, 'join', 'refused', 403, 'test_refuses');
  });

  test('a key makes a retry safe', async () => {
    const body = { type: 'audio', targetUserId: 'bob' };
    const send = (key, b = body, by = 'alice') => server.post('/api/calls/initiate', who[by], b, { key });
    const count = () => server.rows("SELECT COUNT(*) AS n FROM nchat_calls WHERE type = 'audio'")[0].n;
    const n = count();
    const first = await send('one');
    const again = await send('one');
    assert.equal(again.status, 201);
    assert.equal(again.body.callId, first.body.callId);
    assert.equal(count(), n + 1);
    const many = await Promise.all(Array.from({ length: 20 }, () => send('two')));
    assert.equal(new Set(many.map((r) => r.body.callId)).size, 1);
    assert.deepEqual([...new Set(many.map((r) => r.status))], [201]);
    assert.equal(count(), n + 2);
    const other = await send('one', { type: 'audio', targetUserId: 'carol' });
    assert.equal(other.status, 409);
    assert.equal(other.body.error, 'idempotency_key_reused');
    assert.notEqual((await send('one', { type: 'audio', targetUserId: 'alice' }, 'bob')).body.callId, first.body.callId);
    assert.equal((await send('x'.repeat(256))).status, 400);
    const bad = await send('three', { type: 'audio' }); // refused requests are not remembered
    assert.equal(bad.status, 400);
    assert.equal((await send('three')).status, 201);
  });

  test('a key on leave, join and end', async () => {
    const id = await direct();
    for (let i = 0; i < 2; i++) assert.equal((await server.act(id, 'join', who.bob, {}, { key: 'j' })).status, 200);
    for (let i = 0; i < 2; i++) {
      const r = await server.act(id, 'leave', who.bob, {}, { key: 'l' });
      assert.equal(r.status, 200);
      assert.equal(r.body.status, 'ended');
    }
    assert.equal((await server.act(id, 'leave', who.bob, {}, { key: 'l2' })).status, 409);
  });

  test('many at once: each join is one row, the call becomes active once', async () => {
    const id = await channel({ maxParticipants: 30 });
    const users = Array.from({ length: 50 }, (_, i) => userToken(`u${i}`, { channels: ['general'] }));
    const r = await Promise.all(users.map((u) => server.act(id, 'join', u, {})));
    assert.equal(r.filter((x) => x.status === 200).length, 29);
    assert.equal(r.filter((x) => x.status === 409 && x.body.error === 'call_full').length, 21);
    assert.equal(Object.values(server.people(id)).filter((s) => s === 'joined').length, 30);
    await ok(id, 'end', 'alice');
  });
});

describe('time and media', () => {
  before(async () => {
    server = await new Server({
      'ring-timeout': '2s', 'empty-timeout': '500ms', 'lost-timeout': '1s', 'connect-timeout': '5s', 'max-duration': '8s',
    }).start();
  });
  after(stopped);
  const status = (id, s) => server.until(() => server.call(id).status === s, `${id} ${s}`);
  const part = (id, user, s) => server.until(() => server.people(id)[user] === s, `${user} ${s}`);

  test('ring time-out: missed; in a call that is active the callee alone', async () => {
    const lonely = await direct();
    const busy = await group();
    await ok(busy, 'join', 'bob');
    await status(lonely, 'missed');
    assert.deepEqual(over(lonely, 'missed', 'no_answer'), { alice: 'left', bob: 'missed' });
    await part(busy, 'carol', 'missed');
    assert.equal(server.call(busy).status, 'active');
    await ok(busy, 'join', 'carol');
    await ok(busy, 'end', 'alice');
  });

  test('a group that everybody left: ended, unless somebody is back in time', async () => {
    const id = await group();
    await ok(id, 'join', 'bob');
    await ok(id, 'leave', 'alice');
    await ok(id, 'leave', 'bob');
    await ok(id, 'join', 'bob');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    assert.equal(server.call(id).status, 'active');
    await ok(id, 'leave', 'bob');
    await status(id, 'ended');
    over(id, 'ended', 'empty');
  });

  test('media that comes, goes, comes back, and stays away', async () => {
    const id = await direct();
    await ok(id, 'join', 'bob');
    for (const user of ['alice', 'bob']) assert.equal(await server.media(id, 'in', user), 204);
    await server.media(id, 'lost', 'bob');
    await server.media(id, 'in', 'bob'); // a page reload
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.equal(server.call(id).status, 'active');
    await server.media(id, 'quality', 'bob', { score: 1.25 });
    await server.media(id, 'quality', 'bob', { score: 4.5 });
    await server.media(id, 'lost', 'bob');
    await status(id, 'ended');
    over(id, 'ended', 'media_lost');
    const conns = server.rows(`SELECT * FROM nchat_webrtc_connections WHERE call_id = '${id}' AND user_id = 'bob'
      ORDER BY connection_id`);
    assert.equal(conns.length, 2);
    assert.deepEqual(conns.map((c) => c.disconnect_reason), ['signal_lost', 'signal_lost']);
    assert.equal(conns[1].quality, 'good');
    assert.equal(conns[1].quality_score, 4.5);
    assert.equal(conns[1].worst_score, 1.25);
    assert.ok(conns[1].connected_at);
  });

  test('a second device replaces the first: nobody left', async () => {
    const id = await direct();
    await ok(id, 'join', 'bob');
    await server.media(id, 'in', 'alice');
    await server.media(id, 'in', 'bob');
    await server.media(id, 'in', 'bob');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.deepEqual(server.people(id), { alice: 'joined', bob: 'joined' });
    await ok(id, 'leave', 'alice');
  });

  test('screens are noted; who is removed stays out', async () => {
    const id = await group();
    const sharing = () => server.rows(`SELECT is_screen_sharing AS s FROM nchat_call_participants
      WHERE call_id = '${id}' AND user_id = 'bob'`)[0].s;
    await ok(id, 'join', 'bob');
    await ok(id, 'join', 'carol');
    for (const user of ['alice', 'bob', 'carol']) await server.media(id, 'in', user);
    await server.media(id, 'share', 'bob');
    await server.until(() => sharing() === 1, 'sharing');
    await server.media(id, 'unshare', 'bob');
    await server.until(() => sharing() === 0, 'not sharing');
    await server.media(id, 'removed', 'bob');
    await part(id, 'bob', 'removed');
    await refused(id, 'join', 'bob', 403, 'removed_from_call');
    await ok(id, 'end', 'alice');
  });

  test('the room is closed by an operator: ended, or cancelled while it rang', async () => {
    const active = await direct();
    await ok(active, 'join', 'bob');
    const ringing = await direct();
    await server.media(active, 'close');
    await server.media(ringing, 'close');
    await status(active, 'ended');
    await status(ringing, 'cancelled');
    over(active, 'ended', 'room_closed');
  });

  test('never any media: counts as left', async () => {
    const id = await direct();
    await ok(id, 'join', 'bob');
    await server.media(id, 'in', 'alice');
    await status(id, 'ended');
    over(id, 'ended', 'media_lost');
  });

  test('longest duration', async () => {
    const id = await group();
    await ok(id, 'join', 'bob');
    for (const user of ['alice', 'bob']) await server.media(id, 'in', user);
    await status(id, 'ended');
    over(id, 'ended', 'max_duration');
    const [row] = server.rows(`SELECT duration_seconds AS d FROM nchat_calls WHERE call_id = '${id}'`);
    assert.ok(row.d >= 7, String(row.d));
  });
});

describe('restarts', () => {
  after(stopped);

  test('ended with server_restart; one that never rang failed', async () => {
    server = await new Server().start();
    const ringing = await direct();
    const active = await group();
    await ok(active, 'join', 'bob');
    await server.media(active, 'in', 'bob');
    await server.kill('SIGKILL');
    await server.start();
    assert.equal((await server.get(`/api/calls/${active}`, who.bob)).body.endReason, 'server_restart');
    assert.deepEqual(over(active, 'ended', 'server_restart'), { alice: 'left', bob: 'left', carol: 'missed' });
    over(ringing, 'ended', 'server_restart');
    for (const user of ['alice', 'bob']) await refused(active, 'join', user, 409, 'call_over');
  });

  // Everything a client was told before the kill is in the database after it.
  test('kill -9 under load, five rounds', { timeout: 120_000 }, async () => {
    let total = 0;
    for (let round = 0; round < 5; round++) {
      const told = new Map(); // call -> the least it must be
      let running = true;
      const one = async (n) => {
        for (let i = 0; running; i++) {
          const a = userToken(`a${n}`);
          const b = userToken(`b${n}`);
          const key = `${round}-${n}-${i}`;
          const r = await server.post('/api/calls/initiate', a, { type: 'audio', targetUserId: `b${n}` }, { key });
          if (r.status !== 201) throw new Error(JSON.stringify(r.body));
          told.set(r.body.callId, { least: 'ringing', key });
          const j = await server.act(r.body.callId, 'join', b, {});
          if (j.status !== 200) throw new Error(JSON.stringify(j.body));
          told.set(r.body.callId, { least: 'active', key, token: b });
          if (i % 2) continue;
          const l = await server.act(r.body.callId, 'leave', b, { reason: key });
          if (l.status !== 200) throw new Error(JSON.stringify(l.body));
          told.set(r.body.callId, { least: 'ended', key });
        }
      };
      const load = Promise.allSettled(Array.from({ length: 16 }, (_, n) => one(n)));
      const want = 60 + 40 * round;
      await server.until(() => told.size >= want, `${want} calls`);
      await server.kill('SIGKILL');
      running = false;
      for (const r of await load)
        assert.ok(r.status === 'fulfilled' || r.reason instanceof TypeError, String(r.reason)); // fetch failed
      await server.start();
      await server.get('/api/calls', who.alice); // answered when all is reconciled

      const rows = new Map(server.rows('SELECT * FROM nchat_calls').map((r) => [r.call_id, r]));
      const keys = new Map(server.rows('SELECT key, body FROM stoa_idempotency').map((r) => [r.key, r.body]));
      for (const [id, { least, key }] of told) {
        const row = rows.get(id);
        assert.ok(row, `${id} was acknowledged and is gone`);
        assert.equal(keys.get(key), id);
        assert.equal(row.status, 'ended');
        if (least !== 'ringing') assert.ok(row.started_at, `${id} was active`);
        if (least === 'ended') assert.equal(row.end_reason, key);
        // a leave may have been stored and not yet answered
        else assert.ok(['server_restart', key].includes(row.end_reason), row.end_reason);
      }
      assert.deepEqual([...rows.values()].filter((r) => OPEN.includes(r.status)), []);
      assert.deepEqual(server.rows("SELECT * FROM nchat_call_participants WHERE status IN ('joined', 'ringing')"), []);
      assert.deepEqual(server.rows("SELECT MIN(key) FROM stoa_idempotency GROUP BY body, actor HAVING COUNT(*) > 1"), []);
      total += told.size;
    }
    console.log(`# ${total} acknowledged calls over 5 kills, none lost`);
  });
});
