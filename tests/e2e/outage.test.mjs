// SPDX-License-Identifier: Apache-2.0
// The database goes away and comes back: what was running runs on, what was acknowledged is there,
// nothing is there twice. Beside the server of tests/conformance/postgres.sh.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Server, userToken } from './lib/calls.mjs';

const ctl = (...args) => execFileSync(path.join(process.env.STOA_PG_DIR, 'ctl'), args);
const alice = userToken('alice', { name: 'Alice' });
const bob = userToken('bob', { name: 'Bob' });
const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
let server;

async function eventually(is, what) {
  for (const end = Date.now() + 30_000; Date.now() < end;) {
    if (await is()) return;
    await sleep(25);
  }
  throw new Error(`never: ${what}`);
}

const ready = async () => (await server.request('GET', '/readyz')).status;
const initiate = (key) => server.post('/api/calls/initiate', alice, { type: 'audio', targetUserId: 'bob' }, { key });

describe('outage', { skip: !process.env.STOA_PG_DIR && 'no PostgreSQL server' }, () => {
  before(async () => { server = await new Server().start(); });
  after(async () => { assert.equal((await server.stop()).code, 0); });

  test('the database away: refused, red, and well again', { timeout: 120_000 }, async () => {
    const r = await initiate('before');
    assert.equal(r.status, 201);
    const id = r.body.callId;
    assert.equal((await server.act(id, 'join', bob, {})).status, 200);
    assert.equal(await ready(), 200);

    ctl('stop', '-m', 'immediate');
    await eventually(async () => await ready() === 503, '/readyz red');
    const red = await server.request('GET', '/readyz');
    assert.equal(red.body.reasons[0].what, 'database');
    const refused = await initiate('during');
    assert.equal(refused.status, 503);
    assert.ok(Number(refused.headers.get('retry-after')) > 0, 'Retry-After');
    // what cannot be written is refused, and the call stays as it was
    assert.equal((await server.act(id, 'leave', bob, { reason: 'bye' })).status, 503);

    ctl('start');
    const back = Date.now();
    await eventually(async () => await ready() === 200, '/readyz green');
    console.log(`# ready ${Date.now() - back} ms after the database`);
    assert.equal((await initiate('after')).status, 201);
    assert.equal((await initiate('during')).status, 201); // it left no trace
    assert.equal((await server.get(`/api/calls/${id}`, bob)).body.status, 'active');
    assert.equal((await server.act(id, 'leave', bob, { reason: 'bye' })).status, 200);
    assert.equal(server.call(id).status, 'ended');
    assert.deepEqual(server.rows("SELECT * FROM nchat_webrtc_connections WHERE status = 'connected'"), []);
  });

  // Each client repeats a request under its key until it is acknowledged, as real ones do.
  test('kill -9 of the database under load, five rounds', { timeout: 200_000 }, async () => {
    const told = new Map();
    let unanswered = 0;
    for (let round = 0; round < 5; round++) {
      let running = true;
      const one = async (n) => {
        const a = userToken(`a${n}`);
        for (let i = 0; running; i++) {
          const key = `${round}-${n}-${i}`;
          for (;;) {
            const r = await server.post('/api/calls/initiate', a, { type: 'audio', targetUserId: `b${n}` }, { key });
            if (r.status === 201) {
              told.set(key, r.body.callId);
              await server.act(r.body.callId, 'end', a, {});
              break;
            }
            assert.equal(r.status, 503, JSON.stringify(r.body));
            unanswered++;
            await sleep(50);
          }
        }
      };
      const load = Promise.all(Array.from({ length: 16 }, (_, n) => one(n)));
      const want = told.size + 100;
      await eventually(() => told.size >= want, `${want} calls`);
      ctl('kill');
      await sleep(300);
      await eventually(() => { try { ctl('start'); return true; } catch { return false; } }, 'the database again');
      const more = told.size + 50;
      await eventually(() => told.size >= more, 'calls after it');
      running = false;
      await load;
    }
    const keys = new Map(server.rows("SELECT key, body FROM stoa_idempotency WHERE actor LIKE 'a%'").map((r) => [r.key, r.body]));
    for (const [key, id] of told) assert.equal(keys.get(key), id, `${key} was acknowledged`);
    const calls = server.rows("SELECT COUNT(*) AS n FROM nchat_calls WHERE initiator_id LIKE 'a_' OR initiator_id LIKE 'a__'")[0].n;
    assert.equal(calls, told.size, 'each once');
    console.log(`# ${told.size} acknowledged over 5 kills, ${unanswered} refusals, none lost, none twice`);
  });
});
