// SPDX-License-Identifier: Apache-2.0
// The signal socket as hostile, broken and unusual clients see it. No browser, no media.
import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { SignalRequest } from '@livekit/protocol';
import { joinParam, joinSignal, Signal, signalUrl } from './lib/signal.mjs';
import { PORT, startStoad } from './lib/stoad.mjs';
import { token } from './lib/token.mjs';

let stoad;
let rooms = 0;
const newRoom = () => `signal-${++rooms}`;

before(async () => {
  stoad = await startStoad({ port: PORT });
});

after(async () => {
  const how = await stoad?.stop();
  if (how) assert.deepEqual(how, { code: 0, signal: null }, stoad.log());
});

const validate = async (path, query) => {
  const r = await fetch(`${stoad.url}${path}?${query}`);
  return { status: r.status, text: await r.text(), origin: r.headers.get('access-control-allow-origin') };
};

describe('validate', () => {
  it('answers with the statuses that clients decide by, readable from every page', async () => {
    const good = await token('r', 'ann');
    const noJoin = await token('r', 'ann', { roomJoin: false });
    const noRoom = await token('', 'ann');
    const join = `join_request=${joinParam()}`;
    const cases = [
      ['/rtc/v1/validate', '', 401],
      ['/rtc/v1/validate', `access_token=x.y.z&${join}`, 401],
      ['/rtc/v1/validate', `access_token=${noJoin}&${join}`, 401],
      ['/rtc/v1/validate', `access_token=${noRoom}&${join}`, 400],
      ['/rtc/v1/validate', `access_token=${good}`, 400],
      ['/rtc/v1/validate', `access_token=${good}&join_request=%21%21`, 400],
      ['/rtc/v1/validate', `access_token=${good}&${join}`, 200],
      ['/rtc/validate', `access_token=${good}`, 200],
    ];
    for (const [path, query, status] of cases) {
      const r = await validate(path, query);
      assert.equal(r.status, status, `${path}?${query.slice(0, 60)}`);
      assert.equal(r.origin, '*');
    }
    assert.equal((await validate('/rtc/v1/validate', `access_token=${good}&${join}`)).text, 'success');
  });

  it('takes the token from the Authorization header too', async () => {
    const r = await fetch(`${stoad.url}/rtc/v1/validate?join_request=${joinParam()}`, {
      headers: { authorization: `Bearer ${await token('r', 'go')}` },
    });
    assert.equal(r.status, 200);
  });
});

describe('the upgrade', () => {
  const refused = async (url, status) =>
    assert.rejects(new Signal(url).opened, (e) => e.status === status, `${url.slice(0, 80)} → ${status}`);

  it('refuses with a status what cannot join', async () => {
    const ws = stoad.url.replace(/^http/, 'ws');
    const good = await token('r', 'ann');
    await refused(`${ws}/rtc/v1?join_request=${joinParam()}`, 401);
    await refused(`${ws}/rtc/v1?access_token=${good}`, 400);
    await refused(`${ws}/rtc?access_token=${good}`, 404);
    await refused(`${ws}/rtc/v1?access_token=${good}&join_request=%21`, 400);
    await refused(
      `${ws}/rtc/v1?access_token=${good}&join_request=${joinParam({ publisherOffer: { type: 'offer', sdp: 'nonsense', id: 1 } })}`,
      400,
    );
    await refused(
      `${ws}/rtc/v1?access_token=${good}&join_request=${joinParam({}, { inner: Buffer.alloc(1 << 20) })}`,
      400,
    );
  });

  it('takes a join request on /rtc, and uncompressed ones', async () => {
    const room = newRoom();
    const a = await joinSignal(stoad.url, room, 'a', { path: '/rtc' });
    const b = await joinSignal(stoad.url, room, 'b', { param: joinParam({}, { compression: 0 }) });
    assert.equal(b.join.otherParticipants.length, 1);
    await a.close();
    await b.close();
  });
});

describe('a session', () => {
  it('begins with a whole join', async () => {
    const a = await joinSignal(stoad.url, newRoom(), 'ann', { grant: { canPublishSources: [2] } });
    const j = a.join;
    assert.equal(a.received[0].case, 'join');
    assert.match(j.room.sid, /^RM_/);
    assert.equal(j.room.name, `signal-${rooms}`);
    assert.match(j.participant.sid, /^PA_/);
    assert.equal(j.participant.identity, 'ann');
    assert.equal(j.participant.state, 1);
    assert.equal(j.participant.permission.canPublish, true);
    assert.equal(j.participant.permission.canSubscribe, true);
    assert.deepEqual(j.participant.permission.canPublishSources, [2]);
    assert.equal(j.participant.clientProtocol, 2);
    assert.deepEqual(j.participant.capabilities, [2]);
    assert.equal(j.serverInfo.version, '1.13.5');
    assert.equal(j.serverInfo.protocol, 17);
    assert.equal(j.pingInterval, 5);
    assert.equal(j.pingTimeout, 15);
    assert.equal(j.subscriberPrimary, false);
    await a.want('refreshToken', (t) => t.split('.').length === 3);
    await a.close();
  });

  it('answers both kinds of ping', async () => {
    const a = await joinSignal(stoad.url, newRoom(), 'ann');
    a.send('pingReq', { timestamp: 77n });
    assert.equal((await a.want('pongResp')).lastPingTimestamp, 77n);
    a.send('ping', 5n);
    assert.ok((await a.want('pong')) > 0n);
    await a.close();
  });

  it('ends for the others when its socket closes without media', async () => {
    const room = newRoom();
    const a = await joinSignal(stoad.url, room, 'a');
    const b = await joinSignal(stoad.url, room, 'b');
    await a.want('update', (u) => u.participants.some((p) => p.identity === 'b' && p.state !== 3));
    await b.close();
    await a.want('update', (u) => u.participants.some((p) => p.identity === 'b' && p.state === 3));
    await a.close();
  });

  it('is told why it ends: duplicate identity, and that it left by itself', async () => {
    const room = newRoom();
    const a1 = await joinSignal(stoad.url, room, 'a');
    const a2 = await joinSignal(stoad.url, room, 'a');
    const leave = await a1.want('leave');
    assert.equal(leave.reason, 2);
    assert.equal(leave.action, 0);
    assert.equal(await a1.closed, 1000);
    assert.notEqual(a1.join.participant.sid, a2.join.participant.sid);
    assert.equal(a2.all('update').some((u) => u.participants.some((p) => p.state === 3)), false);
    a2.send('leave', { reason: 1 });
    assert.equal(await a2.closed, 1000);
    assert.equal(a2.all('leave').length, 0);
  });

  it('cannot be resumed under a wrong id or by somebody else', async () => {
    const room = newRoom();
    const a = await joinSignal(stoad.url, room, 'a');
    for (const [who, sid] of [['a', 'PA_nothing'], ['eve', a.join.participant.sid]]) {
      const s = await joinSignal(stoad.url, room, who, { join: { reconnect: true, participantSid: sid } });
      const leave = await s.want('leave');
      assert.equal(leave.reason, 6);
      assert.equal(leave.action, 2);
      assert.equal(await s.closed, 1000);
    }
    await a.settled();
    await a.close();
  });

  it('is resumed by its own client: reconnect first, then everybody including itself', async () => {
    const room = newRoom();
    const a = await joinSignal(stoad.url, room, 'a');
    const b = await joinSignal(stoad.url, room, 'b');
    const again = await joinSignal(stoad.url, room, 'a', {
      join: { reconnect: true, participantSid: a.join.participant.sid, reconnectReason: 1 },
    });
    await again.want('update', (u) => u.participants.map((p) => p.identity).sort().join() === 'a,b');
    assert.equal(again.received[0].case, 'reconnect');
    await again.want('roomUpdate');
    await again.want('refreshToken');
    assert.equal(await a.closed, 1000);
    await b.settled();
    assert.equal(b.all('update').some((u) => u.participants.some((p) => p.state === 3)), false);
    await again.close();
    await b.close();
  });

  it('changes its metadata only where that is granted', async () => {
    const room = newRoom();
    const a = await joinSignal(stoad.url, room, 'a', { grant: { canUpdateOwnMetadata: true } });
    const b = await joinSignal(stoad.url, room, 'b');
    a.send('updateMetadata', { requestId: 1, name: 'Ann', attributes: { hand: 'up', empty: '' } });
    assert.equal((await a.want('requestResponse')).reason, 0);
    await b.want('update', (u) => u.participants.some((p) => p.name === 'Ann' && p.attributes.hand === 'up' &&
      !('empty' in p.attributes)));
    a.send('updateMetadata', { requestId: 2, attributes: { hand: '' } });
    await b.want('update', (u) => u.participants.some((p) => p.name === 'Ann' && !('hand' in p.attributes)));
    a.send('updateMetadata', { requestId: 3, metadata: 'x'.repeat(70_000) });
    assert.equal((await a.want('requestResponse', (r) => r.requestId === 3)).reason, 3);
    b.send('updateMetadata', { requestId: 4, name: 'Root' });
    assert.equal((await b.want('requestResponse', (r) => r.requestId === 4)).reason, 2);
    await a.close();
    await b.close();
  });

  it('announces tracks within the grant, and keeps the numbers of the client', async () => {
    const a = await joinSignal(stoad.url, newRoom(), 'a', { grant: { canPublishSources: [2] } });
    a.addTrack('mic', { audioFeatures: [1, 2], disableDtx: true, stereo: true });
    const t = (await a.want('trackPublished', (m) => m.cid === 'mic')).track;
    assert.match(t.sid, /^TR_/);
    assert.deepEqual(t.audioFeatures, [1, 2]);
    assert.equal(t.disableDtx, true);
    assert.equal(t.source, 2);
    a.addTrack('cam', { type: 1, source: 1 });
    assert.equal((await a.want('requestResponse', (r) => r.request.value?.cid === 'cam')).reason, 2);
    a.addTrack('data', { type: 2 });
    assert.equal((await a.want('requestResponse', (r) => r.request.value?.cid === 'data')).reason, 11);
    await a.close();
  });

  it('limits the tracks of one client', async () => {
    const a = await joinSignal(stoad.url, newRoom(), 'a');
    for (let i = 0; i < 100; i++) a.addTrack(`cid-${i}`);
    await a.settled();
    assert.ok(a.all('trackPublished').length <= 64);
    assert.equal(a.all('requestResponse').filter((r) => r.reason === 3).length, 100 - a.all('trackPublished').length);
    await a.close();
  });
});

describe('bad input', () => {
  const closes = async (what, code) => {
    const a = await joinSignal(stoad.url, newRoom(), 'a');
    what(a);
    assert.equal(await a.closed, code);
  };

  it('closes the socket with the code that says why', async () => {
    await closes((a) => a.ws.send(Buffer.from([0x2a, 0x08, 0x0a])), 1007);
    await closes((a) => a.ws.send(Buffer.from([0x2a, 0x04, 0x0a, 0x02, 0xc3, 0x28])), 1007); // not UTF-8
    await closes((a) => a.ws.send('{"ping": 1}'), 1003);
    await closes((a) => a.ws.send(Buffer.alloc(300_000)), 1009);
    await closes((a) => a.offer('no description', 1), 1007);
    await closes((a) => {
      for (let i = 0; i < 3000; i++) a.send('pingReq', { timestamp: BigInt(i) });
    }, 1008);
  });

  it('never changes what belongs to others', async () => {
    const room = newRoom();
    const a = await joinSignal(stoad.url, room, 'a');
    const eve = await joinSignal(stoad.url, room, 'eve');
    a.addTrack('mic', { muted: true });
    const { track } = await a.want('trackPublished');
    await eve.want('update', (u) => u.participants.some((p) => p.tracks.some((t) => t.sid === track.sid)));
    const seen = a.received.length;
    eve.send('mute', { sid: track.sid, muted: false });
    eve.send('addTrack', { cid: 'mine', sid: track.sid });
    eve.send('trackSetting', { trackSids: [track.sid, 'TR_none'], disabled: true });
    eve.send('subscription', { trackSids: [track.sid], subscribe: false });
    eve.send('updateAudioTrack', { trackSid: track.sid, features: [0] });
    await eve.settled();
    await a.settled();
    assert.deepEqual(a.received.slice(seen).map((m) => m.case), ['requestResponse']);
    await a.close();
    await eve.close();
  });

  it('survives every verb in any order, with any values', async () => {
    const room = newRoom();
    const watcher = await joinSignal(stoad.url, room, 'watcher');
    const sids = ['', 'TR_x', 'PA_x', watcher.join.participant.sid, '\u{1f600}'.repeat(40)];
    const any = (list) => list[randomInt(list.length)];
    const sid = () => any(sids);
    const n = () => any([0, 1, 2, 3, 255, 65536, 2147483647]);
    const verbs = {
      answer: () => ({ type: 'answer', sdp: 'v=0', id: n() }),
      trickle: () => ({ candidateInit: any(['', '{', '{"candidate":""}', '{"candidate":"candidate:x"}',
        `{"candidate":"${'a'.repeat(5000)}"}`, '{"candidate":7}', '[]']), target: n() % 4 }),
      addTrack: () => ({ cid: sid(), sid: sid(), type: n() % 5, source: n() % 9, width: n(), height: n(),
        layers: Array.from({ length: n() % 9 }, () => ({ quality: n(), rid: sid() })),
        simulcastCodecs: Array.from({ length: n() % 4 }, () => ({ codec: sid() })) }),
      mute: () => ({ sid: sid(), muted: true }),
      subscription: () => ({ trackSids: [sid(), sid()], subscribe: n() % 2 === 0,
        participantTracks: [{ participantSid: sid(), trackSids: [sid()] }] }),
      trackSetting: () => ({ trackSids: [sid()], quality: n() % 7, width: n(), fps: n() }),
      updateLayers: () => ({ trackSid: sid() }),
      subscriptionPermission: () => ({ trackPermissions: [{ participantSid: sid(), trackSids: [sid()] }] }),
      syncState: () => ({ trackSidsDisabled: [sid()], offer: { sdp: sid() } }),
      ping: () => 1n,
      pingReq: () => ({ timestamp: -1n }),
      updateMetadata: () => ({ name: sid(), attributes: { [sid()]: sid() } }),
      updateAudioTrack: () => ({ trackSid: sid(), features: [n() % 9] }),
      updateVideoTrack: () => ({ trackSid: sid(), width: n() }),
    };
    for (let round = 0; round < 5; round++) {
      const eve = await joinSignal(stoad.url, room, `eve-${round}`, { grant: { canUpdateOwnMetadata: true } });
      sids.push(eve.join.participant.sid);
      for (let i = 0; i < 300; i++) {
        const verb = any(Object.keys(verbs));
        eve.send(verb, verbs[verb]());
      }
      await eve.settled();
      await eve.close();
    }
    await watcher.settled();
    assert.equal(watcher.join.participant.identity, 'watcher');
    await watcher.close();
  });

  it('survives bytes at random', async () => {
    for (let i = 0; i < 40; i++) {
      const a = await joinSignal(stoad.url, newRoom(), 'a');
      const good = new SignalRequest({ message: { case: 'mute', value: { sid: 'TR_x' } } }).toBinary();
      for (let k = 0; k < 5; k++) {
        const bytes = k % 2 ? randomBytes(randomInt(1, 400)) : Buffer.from(good);
        bytes[randomInt(bytes.length)] ^= 1 << randomInt(8);
        a.ws.send(bytes);
      }
      await a.close();
    }
    const a = await joinSignal(stoad.url, newRoom(), 'a');
    await a.settled();
    await a.close();
  });
});

describe('shutting down', () => {
  it('tells clients why', async () => {
    const other = await startStoad({ port: PORT + 20, args: ['--set', 'core.drain-timeout=1s'] });
    const a = await joinSignal(other.url, 'r', 'a');
    const how = other.stop();
    const leave = await a.want('leave');
    assert.equal(leave.reason, 3);
    assert.deepEqual(await how, { code: 0, signal: null });
  });
});
