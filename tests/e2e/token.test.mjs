// SPDX-License-Identifier: Apache-2.0
// Tokens against the real daemon: what the API takes, what it refuses, and that a revocation
// outlives a daemon that was killed.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { joinParam, Signal, signalUrl } from './lib/signal.mjs';
import { startStoad, stoad as program } from './lib/stoad.mjs';

const run = promisify(execFile);
let state, stoad;

const start = () => startStoad({ args: ['--state', state, '--set', 'modules.mod_auth.guest-limit=3'] });

before(async () => {
  state = await mkdtemp(path.join(tmpdir(), 'stoa-e2e-token-'));
  stoad = await start();
});

after(async () => {
  const how = await stoad?.stop();
  await rm(state, { recursive: true, force: true });
  if (how) assert.deepEqual(how, { code: 0, signal: null }, stoad.log());
});

async function stoactl(...words) {
  const { stdout } = await run(path.join(path.dirname(program), 'stoactl'), ['--state', state, '--json', ...words]);
  return JSON.parse(stdout);
}

const create = async (...words) => (await stoactl('token', 'create', ...words)).token;

const part = (o) => Buffer.from(JSON.stringify(o)).toString('base64url');

// A token signed with the demo's own key, with whatever header and claims the test wants.
async function forge(claims, { alg = 'HS256', key } = {}) {
  const secret = key ?? (await readFile(path.join(state, 'demo-keys/user-tokens'), 'utf8')).trim();
  const signed = `${part({ alg })}.${part(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

async function ask(token) {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const answer = await fetch(`${stoad.url}/api/calls`, { headers });
  return { status: answer.status, scheme: answer.headers.get('www-authenticate'), body: await answer.json() };
}

const now = () => Math.floor(Date.now() / 1000);

describe('user tokens', () => {
  it('lets in who has one', async () => {
    assert.equal((await ask(await create('--user', 'alice', '--channel', 'general'))).status, 200);
    assert.equal((await ask(await forge({ sub: 'alice', exp: now() + 60 }))).status, 200);
    assert.equal((await ask(await forge({ sub: 'alice', exp: now() - 30 }))).status, 200); // leeway
  });

  it('refuses everybody else, and says how to come in', async () => {
    const nobody = await ask(undefined);
    assert.equal(nobody.status, 401);
    assert.equal(nobody.scheme, 'Bearer');
    assert.equal(nobody.body.error, 'unauthorized');
    const good = { sub: 'alice', exp: now() + 60 };
    const refused = {
      'no token at all': '',
      'not a token': 'alice',
      'signed with another key': await forge(good, { key: 'another' }),
      'alg none': `${part({ alg: 'none' })}.${part(good)}.`,
      'alg none with a signature': await forge(good, { alg: 'none' }),
      'another algorithm than the key is for': await forge(good, { alg: 'RS256' }),
      'without exp': await forge({ sub: 'alice' }),
      'not yet valid': await forge({ ...good, nbf: now() + 120 }),
      'without sub': await forge({ exp: now() + 60 }),
      'a media token': await forge({ ...good, video: { roomJoin: true, room: 'r' } }),
      'longer than 8 KB': await forge({ ...good, name: 'x'.repeat(9000) }),
    };
    for (const [what, token] of Object.entries(refused)) {
      const answer = await ask(token);
      assert.equal(answer.status, 401, what);
      assert.equal(answer.body.error, 'unauthorized', what);
    }
  });

  it('tells that a token has expired', async () => {
    const answer = await ask(await forge({ sub: 'alice', exp: now() - 120 }));
    assert.equal(answer.status, 401);
    assert.equal(answer.body.error, 'token_expired');
  });
});

describe('revocation', () => {
  it('ends earlier tokens at once, also after the daemon was killed', async () => {
    const old = await create('--user', 'mallory', '--channel', 'general');
    const other = await create('--user', 'bob', '--channel', 'general');
    assert.equal((await ask(old)).status, 200);
    const answer = await stoactl('token', 'revoke', '--user', 'mallory');
    assert.equal(answer.userId, 'mallory');
    assert.equal((await ask(old)).status, 401);
    const fresh = await create('--user', 'mallory', '--channel', 'general');
    assert.equal((await ask(fresh)).status, 200);

    await stoad.kill();
    stoad = await start();
    assert.equal((await ask(old)).status, 401);
    assert.equal((await ask(fresh)).status, 200);
    assert.equal((await ask(other)).status, 200);
  });
});

describe('revocation of somebody who is in a room', () => {
  it('ends the session, and its tokens do not bring it back', async () => {
    const mallory = new Signal(await signalUrl(stoad.url, 'r', 'mallory-in-room'));
    const bob = new Signal(await signalUrl(stoad.url, 'r', 'bob'));
    await mallory.want('join');
    await bob.want('join');
    const held = await mallory.want('refreshToken');
    await new Promise((resolve) => setTimeout(resolve, 1100)); // tokens are dated in seconds
    await stoactl('token', 'revoke', '--user', 'mallory-in-room');
    assert.equal((await mallory.want('leave')).canReconnect, false);
    await mallory.closed;
    const again = `${stoad.url.replace(/^http/, 'ws')}/rtc/v1?access_token=${held}&join_request=${joinParam()}`;
    await assert.rejects(new Signal(again).opened, (e) => e.status === 401);
    assert.deepEqual(bob.all('leave'), []);
    bob.ws.close();
  });
});

describe('roles set by the backend', () => {
  const request = async (token, method, where, body) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const answer = await fetch(stoad.url + where, { method, headers, body: body && JSON.stringify(body) });
    return { status: answer.status, body: answer.status === 204 ? null : await answer.json() };
  };
  const where = '/api/channels/studio/members/carol';

  it('count at once, over the token, and after the daemon was killed', async () => {
    const admin = await create('--user', 'root', '--role', 'admin');
    const owner = await create('--user', 'olga', '--channel', 'studio');
    const carol = await create('--user', 'carol'); // her token lists no channel
    const dave = await create('--user', 'dave', '--channel', 'studio', '--role', 'owner');
    const call = async () => {
      const made = await request(owner, 'POST', '/api/calls/initiate', { channelId: 'studio', type: 'audio' });
      assert.equal(made.status, 201, JSON.stringify(made.body));
      return `/api/calls/${made.body.callId}`;
    };
    const first = await call();
    assert.equal((await request(carol, 'GET', first)).status, 404);
    assert.equal((await request(carol, 'PUT', where, { role: 'moderator' })).status, 403);

    const put = await request(admin, 'PUT', where, { role: 'moderator', since: '2026-01-02T03:04:05+01:00' });
    assert.equal(put.status, 200);
    assert.deepEqual(put.body, {
      channelId: 'studio', userId: 'carol', role: 'moderator', since: '2026-01-02T02:04:05.000Z',
    });
    assert.equal((await request(carol, 'GET', first)).status, 200);
    assert.equal((await request(carol, 'POST', `${first}/join`, {})).status, 200);
    assert.equal((await request(carol, 'POST', `${first}/end`, {})).status, 200);

    assert.equal((await request(admin, 'PUT', '/api/channels/studio/members/dave', { role: 'follower' })).status, 200);
    await stoad.kill();
    stoad = await start();
    const second = await call();
    assert.equal((await request(dave, 'POST', `${second}/join`, {})).status, 200);
    assert.equal((await request(dave, 'POST', `${second}/end`, {})).status, 403); // lowered
    assert.equal((await request(admin, 'PUT', where, { role: 'member' })).status, 200);
    assert.equal((await request(carol, 'POST', `${second}/end`, {})).status, 403);
    assert.equal((await request(admin, 'PUT', where, { role: 'moderator' })).status, 200);
    assert.equal((await request(admin, 'DELETE', where)).status, 204);
    assert.equal((await request(carol, 'GET', second)).status, 404);
    assert.equal((await request(carol, 'POST', `${second}/end`, {})).status, 404); // nor is it known to her
    assert.equal((await request(admin, 'DELETE', where)).status, 404);
    assert.equal((await request(admin, 'DELETE', '/api/channels/studio/members/dave')).status, 204);
    assert.equal((await request(dave, 'POST', `${second}/end`, {})).status, 200); // the token again
  });

  it('are refused when something is wrong with them, and all of many are kept', async () => {
    const admin = await create('--user', 'root', '--role', 'admin');
    const faults = [
      ['role', where, {}],
      ['role', where, { role: 'king' }],
      ['since', where, { role: 'vip', since: 'yesterday' }],
      ['since', where, { role: 'vip', since: '1960-01-01T00:00:00Z' }],
      ['userId', `/api/channels/studio/members/${'x'.repeat(256)}`, { role: 'vip' }],
      ['channelId', `/api/channels/${'x'.repeat(256)}/members/carol`, { role: 'vip' }],
    ];
    for (const [field, at, body] of faults) {
      const answer = await request(admin, 'PUT', at, body);
      assert.equal(answer.status, 400, field);
      assert.equal(answer.body.errors[0].field, field);
    }
    assert.equal((await request('nonsense', 'PUT', where, { role: 'vip' })).status, 401);

    const many = Array.from({ length: 40 }, (_, i) => `/api/channels/many/members/${encodeURIComponent(`é ${i}`)}`);
    const set = await Promise.all(many.map((at) => request(admin, 'PUT', at, { role: 'vip' })));
    assert.ok(set.every((answer) => answer.status === 200));
    await stoad.kill();
    stoad = await start();
    const gone = await Promise.all(many.map((at) => request(admin, 'DELETE', at)));
    assert.ok(gone.every((answer) => answer.status === 204));
  });
});

describe('the state directory', () => {
  it('holds nothing that everybody may read', async () => {
    for (const name of ['.', ...(await readdir(state))]) {
      const { mode } = await stat(path.join(state, name));
      assert.equal(mode & 0o007, 0, `${name} has mode ${(mode & 0o777).toString(8)}`);
    }
  });
});

describe('guests', () => {
  const enter = (body, type = 'application/json') =>
    fetch(`${stoad.url}/api/auth/guest`, { method: 'POST', headers: { 'content-type': type }, body });

  it('get a token for a name, and not too many of them', async () => {
    const answer = await enter('{"name": " Zoë "}');
    assert.equal(answer.status, 201);
    const guest = await answer.json();
    assert.deepEqual(Object.keys(guest).sort(), ['expiresAt', 'token', 'userId']);
    assert.match(guest.userId, /^guest-/);
    assert.ok(Date.parse(guest.expiresAt) > Date.now() + 3_600_000);
    assert.equal((await ask(guest.token)).status, 200);

    const nameless = await enter('{"name": "\\n"}');
    assert.equal(nameless.status, 400);
    assert.equal((await nameless.json()).errors[0].field, 'name');
    assert.equal((await enter('name=Zoe', 'text/plain')).status, 415);

    const late = await enter('{"name": "Zoë"}');
    assert.equal(late.status, 429);
    assert.ok(Number(late.headers.get('retry-after')) > 0);
    assert.equal((await late.json()).error, 'too_many_guests');
  });
});
