// SPDX-License-Identifier: Apache-2.0
// What an operator does with stoactl: who is in which room, closing, removing, muting; against
// signal sockets, and once against a call of real browsers.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { openBrowser } from './lib/browser.mjs';
import { joinSignal } from './lib/signal.mjs';
import { startStoad, stoad as program } from './lib/stoad.mjs';

const PARTICIPANT_REMOVED = 4;
const ROOM_DELETED = 5;

let state, stoad;
let rooms = 0;
const newRoom = () => `operator-${++rooms}`;

before(async () => {
  state = await mkdtemp(path.join(tmpdir(), 'stoa-e2e-operator-'));
  stoad = await startStoad({ args: ['--state', state] });
});

after(async () => {
  const how = await stoad?.stop();
  await rm(state, { recursive: true, force: true });
  if (how) assert.deepEqual(how, { code: 0, signal: null }, stoad.log());
});

// {code, out, err} of one stoactl.
function run(...words) {
  const file = path.join(path.dirname(program), 'stoactl');
  return new Promise((resolve) => {
    execFile(file, ['--state', state, ...words], (e, out, err) => resolve({ code: e?.code ?? 0, out, err }));
  });
}

async function stoactl(...words) {
  const r = await run('--json', ...words);
  assert.equal(r.code, 0, r.out + r.err);
  return JSON.parse(r.out);
}

async function refused(code, error, text, ...words) {
  const asJson = await run('--json', ...words);
  assert.equal(asJson.code, code, asJson.out + asJson.err);
  const answer = JSON.parse(asJson.out);
  assert.equal(answer.ok, false);
  assert.equal(answer.error, error);
  assert.match(answer.message, text);
  const plain = await run(...words);
  assert.equal(plain.code, code);
  assert.equal(plain.out, '');
  assert.match(plain.err, text);
}

const find = (list, name) => list.find((r) => r.name === name);

describe('an operator', { timeout: 120_000 }, () => {
  it('lists the rooms that are open', async () => {
    const room = newRoom();
    assert.equal(find(await stoactl('room', 'list'), room), undefined);
    const a = await joinSignal(stoad.url, room, 'ann');
    const b = await joinSignal(stoad.url, room, 'bob');
    const r = find(await stoactl('room', 'list'), room);
    assert.equal(r.sid, a.join.room.sid);
    assert.equal(r.participants, 2);
    assert.equal(r.publishers, 0);
    assert.ok(Math.abs(r.createdMs - Date.now()) < 600_000);
    assert.match((await run('room', 'list')).out, new RegExp(room));
    await a.close();
    await b.close();
  });

  it('shows who is in a room and what they publish', async () => {
    const room = newRoom();
    const a = await joinSignal(stoad.url, room, 'ann');
    const b = await joinSignal(stoad.url, room, 'bob');
    a.addTrack('mic');
    const { track } = await a.want('trackPublished');
    const shown = await stoactl('room', 'show', room);
    assert.equal(shown.name, room);
    assert.deepEqual(shown.people.map((p) => p.identity).sort(), ['ann', 'bob']);
    const ann = shown.people.find((p) => p.identity === 'ann');
    assert.equal(ann.sid, a.join.participant.sid);
    assert.deepEqual(ann.tracks.map((t) => [t.sid, t.source, t.muted, t.live]), [[track.sid, 'microphone', false, false]]);
    assert.deepEqual(shown.people.find((p) => p.identity === 'bob').tracks, []);
    await a.close();
    await b.close();
  });

  it('closes a room: everybody is sent away and told why', async () => {
    const room = newRoom();
    const clients = [await joinSignal(stoad.url, room, 'ann'), await joinSignal(stoad.url, room, 'bob')];
    assert.deepEqual(await stoactl('room', 'close', room), { removed: 2 });
    for (const c of clients) {
      const leave = await c.want('leave');
      assert.equal(leave.reason, ROOM_DELETED);
      assert.equal(leave.action, 0); // do not come back
      assert.equal(await c.closed, 1000);
    }
    await refused(1, 'room_not_found', /there is no room "operator-\d+"; `room list`/, 'room', 'show', room);
    const again = await joinSignal(stoad.url, room, 'ann'); // the name is free
    assert.notEqual(again.join.room.sid, clients[0].join.room.sid);
    await again.close();
  });

  it('removes somebody: the others stay and are told', async () => {
    const room = newRoom();
    const a = await joinSignal(stoad.url, room, 'ann');
    const b = await joinSignal(stoad.url, room, 'bob');
    assert.deepEqual(await stoactl('participant', 'remove', room, 'bob'), { removed: true });
    assert.equal((await b.want('leave')).reason, PARTICIPANT_REMOVED);
    assert.equal(await b.closed, 1000);
    await a.want('update', (u) => u.participants.some((p) => p.identity === 'bob' && p.state === 3));
    assert.deepEqual((await stoactl('room', 'show', room)).people.map((p) => p.identity), ['ann']);
    await refused(1, 'participant_not_found', /nobody is "bob" in this room/, 'participant', 'remove', room, 'bob');
    await a.close();
  });

  it('mutes microphones, or the one track that is named', async () => {
    const room = newRoom();
    const a = await joinSignal(stoad.url, room, 'ann');
    const b = await joinSignal(stoad.url, room, 'bob');
    a.addTrack('mic');
    a.addTrack('cam', { type: 1, source: 1 });
    const mic = (await a.want('trackPublished', (m) => m.cid === 'mic')).track.sid;
    const cam = (await a.want('trackPublished', (m) => m.cid === 'cam')).track.sid;
    const muted = async () => Object.fromEntries((await stoactl('room', 'show', room)).people
      .find((p) => p.identity === 'ann').tracks.map((t) => [t.source, t.muted]));
    assert.deepEqual(await stoactl('participant', 'mute', room, 'ann'), { muted: 1 });
    assert.equal((await a.want('mute', (m) => m.sid === mic)).muted, true);
    assert.deepEqual(await muted(), { microphone: true, camera: false });
    assert.deepEqual(await stoactl('participant', 'mute', room, 'ann', '--track', cam), { muted: 1 });
    assert.equal((await a.want('mute', (m) => m.sid === cam)).muted, true);
    assert.deepEqual(await muted(), { microphone: true, camera: true });
    await refused(1, 'track_not_found', /ann publishes no such track/, 'participant', 'mute', room, 'ann', '--track', 'TR_none');
    await refused(1, 'track_not_found', /bob publishes no such track/, 'participant', 'mute', room, 'bob');
    await a.close();
    await b.close();
  });

  it('is told what a wrong name or a missing word is', async () => {
    const none = [1, 'room_not_found', /there is no room "nowhere"/];
    await refused(...none, 'room', 'show', 'nowhere');
    await refused(...none, 'room', 'close', 'nowhere');
    await refused(...none, 'participant', 'remove', 'nowhere', 'ann');
    await refused(...none, 'participant', 'mute', 'nowhere', 'ann');
    await refused(2, 'usage', /room close/, 'room', 'close');
    await refused(2, 'usage', /participant mute/, 'participant', 'mute', 'nowhere');
    await refused(2, 'unknown_command', /room/, 'room', 'burn', 'nowhere');
  });
});

describe('an operator and a call of browsers', { timeout: 240_000 }, () => {
  let browser;

  before(async () => {
    browser = await openBrowser(stoad.url);
  });
  afterEach(() => browser.closeClients());
  after(() => browser?.close());

  it('sees what flows, mutes, removes and closes', async () => {
    const room = newRoom();
    const [ann, bob] = [await browser.client(), await browser.client()];
    await ann.join(room, 'ann');
    await bob.join(room, 'bob');
    await ann.do('microphone', true);
    await bob.until('hasSound', 'ann', 'microphone', 0);

    const shown = await stoactl('room', 'show', room);
    assert.equal(shown.publishers, 1);
    const [track] = shown.people.find((p) => p.identity === 'ann').tracks;
    assert.equal(track.source, 'microphone');
    assert.equal(track.mime, 'audio/opus');
    assert.equal(track.live, true);
    assert.equal(track.subscribers, 1);

    await stoactl('participant', 'mute', room, 'ann');
    await ann.until('isMuted', 'ann', 'microphone');
    await bob.until('isMuted', 'ann', 'microphone');
    await ann.do('microphone', true); // she may speak again
    await bob.until('isMuted', 'ann', 'microphone', false);

    await stoactl('participant', 'remove', room, 'ann');
    await ann.until('heard', 'disconnected', PARTICIPANT_REMOVED);
    await bob.until('heard', 'participantDisconnected', 'ann');
    assert.equal(await bob.do('state'), 'connected');

    await stoactl('room', 'close', room);
    await bob.until('heard', 'disconnected', ROOM_DELETED);
    assert.equal(find(await stoactl('room', 'list'), room), undefined);
  });
});
