// SPDX-License-Identifier: Apache-2.0
// The server API as backends use it: every call of an unmodified livekit-server-sdk, the same calls
// as protobuf, every error, and what clients in the room hear of it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import {
  CreateRoomRequest, DataPacket_Kind, ListParticipantsRequest, ListParticipantsResponse, ListRoomsRequest,
  ListRoomsResponse, ParticipantInfo, Room, RoomParticipantIdentity, TrackInfo, TrackSource, UpdateParticipantRequest,
} from '@livekit/protocol';
import { AccessToken, RoomServiceClient } from 'livekit-server-sdk';
import { openBrowser } from './lib/browser.mjs';
import { joinSignal, Signal, signalUrl } from './lib/signal.mjs';
import { API_KEY, API_SECRET, PORT, startStoad, stoad as program } from './lib/stoad.mjs';
import { token } from './lib/token.mjs';

const run = promisify(execFile);
let stoad, unmuting, svc, state;
let rooms = 0;
const newRoom = () => `service-${++rooms}`;

before(async () => {
  state = await mkdtemp(path.join(tmpdir(), 'stoa-e2e-service-'));
  stoad = await startStoad({ port: PORT, args: ['--state', state] });
  unmuting = await startStoad({ port: PORT + 10, args: ['--set', 'modules.mod_livekit.remote-unmute=yes'] });
  svc = new RoomServiceClient(stoad.url.replace('http', 'ws'), API_KEY, API_SECRET);
});

after(async () => {
  for (const s of [stoad, unmuting]) {
    const how = await s?.stop();
    if (how) assert.deepEqual(how, { code: 0, signal: null }, s.log());
  }
  await rm(state, { recursive: true, force: true });
});

// What the SDK throws for an error of Twirp.
const fails = (promise, status, code, message) =>
  assert.rejects(promise, (e) => {
    assert.deepEqual([e.status, e.code], [status, code], e.message);
    if (message) assert.equal(e.message, message);
    return true;
  });

async function jwt(grant) {
  const t = new AccessToken(API_KEY, API_SECRET);
  t.addGrant(grant);
  return t.toJwt();
}

// One request by hand. Without a grant it has no token.
async function post(method, body, { grant, type = 'application/json', verb = 'POST', service = 'livekit.RoomService',
  authorization } = {}) {
  const headers = {};
  if (type) headers['content-type'] = type;
  if (authorization || grant) headers.authorization = authorization ?? `Bearer ${await jwt(grant)}`;
  const r = await fetch(`${stoad.url}/twirp/${service}/${method}`, {
    method: verb, headers, body: ['GET', 'HEAD'].includes(verb) ? undefined : body,
  });
  const bytes = Buffer.from(await r.arrayBuffer());
  return { status: r.status, type: r.headers.get('content-type'), bytes, json: () => JSON.parse(bytes.toString()) };
}

async function isError(promise, status, code, message) {
  const r = await promise;
  assert.equal(r.status, status, r.bytes.toString());
  assert.equal(r.type, 'application/json'); // exactly, or the SDK does not look into it
  assert.equal(r.json().code, code);
  assert.equal(typeof r.json().msg, 'string');
  if (message) assert.match(r.json().msg, message);
}

const admin = (room) => ({ grant: { roomAdmin: true, room } });

async function publish(client, more = {}) {
  const cid = `cid-${Math.random()}`;
  client.addTrack(cid, { name: 'mic', muted: true, ...more });
  return (await client.want('trackPublished', (t) => t.cid === cid)).track.sid;
}

describe('rooms', () => {
  it('are created with their settings, once, and listed', async () => {
    const name = newRoom();
    const room = await svc.createRoom({ name, emptyTimeout: 77, departureTimeout: 33, maxParticipants: 5, metadata: 'm' });
    assert.match(room.sid, /^RM_/);
    assert.equal(room.name, name);
    assert.equal(room.emptyTimeout, 77);
    assert.equal(room.departureTimeout, 33);
    assert.equal(room.maxParticipants, 5);
    assert.equal(room.metadata, 'm');
    assert.equal(room.numParticipants, 0);
    assert.equal(room.creationTime, room.creationTimeMs / 1000n);
    assert.equal((await svc.createRoom({ name, emptyTimeout: 1 })).sid, room.sid);
    assert.equal((await svc.listRooms([name]))[0].emptyTimeout, 77);

    const plain = await svc.createRoom({ name: newRoom() });
    assert.equal(plain.emptyTimeout, 300);
    assert.equal(plain.departureTimeout, 20);

    const all = (await svc.listRooms()).map((r) => r.name);
    assert.ok(all.includes(name) && all.includes(plain.name));
    assert.deepEqual((await svc.listRooms([plain.name, plain.name, 'no such'])).map((r) => r.name), [plain.name]);
    assert.deepEqual(await svc.listRooms(['no such']), []);
    await svc.deleteRoom(name);
    await svc.deleteRoom(plain.name);
    assert.deepEqual(await svc.listRooms([name, plain.name]), []);
  });

  it('that are full or deleted are told to clients', async () => {
    const name = newRoom();
    await svc.createRoom({ name, maxParticipants: 1 });
    const ann = await joinSignal(stoad.url, name, 'ann');
    const bob = new Signal(await signalUrl(stoad.url, name, 'bob'));
    assert.equal((await bob.want('leave')).reason, 7); // JOIN_FAILURE
    assert.equal((await svc.listRooms([name]))[0].numParticipants, 1);
    await svc.deleteRoom(name);
    const leave = await ann.want('leave');
    assert.equal(leave.reason, 5); // ROOM_DELETED
    assert.equal(leave.action, 0); // DISCONNECT
    assert.equal(await ann.closed, 1000);
  });

  it('tell everybody their new metadata', async () => {
    const name = newRoom();
    const ann = await joinSignal(stoad.url, name, 'ann');
    const text = 'naïve "quoted" \\ \u0007 \u{1f600}';
    assert.equal((await svc.updateRoomMetadata(name, text)).metadata, text);
    await ann.want('roomUpdate', (u) => u.room.metadata === text);
    assert.equal((await svc.updateRoomMetadata(name, '')).metadata, '');
    await ann.want('roomUpdate', (u) => u.room.metadata === '');
    await ann.close();
  });

  it('fail with the codes that the SDK knows', async () => {
    await fails(svc.createRoom({ name: '' }), 400, 'invalid_argument', 'room name cannot be empty');
    await fails(svc.createRoom({ name: 'x'.repeat(256) }), 400, 'invalid_argument');
    await fails(svc.deleteRoom('no such'), 404, 'not_found', 'requested room does not exist');
    await fails(svc.updateRoomMetadata('no such', 'x'), 404, 'not_found', 'requested room does not exist');
    const { name } = await svc.createRoom({ name: newRoom() });
    await fails(svc.updateRoomMetadata(name, 'x'.repeat(65537)), 400, 'invalid_argument', 'metadata size exceeds limits');
  });
});

describe('the room of a call', () => {
  const ask = async (who, method, target, body) => {
    const r = await fetch(stoad.url + target, {
      method,
      headers: { authorization: `Bearer ${who}`, 'content-type': 'application/json' },
      body: body && JSON.stringify(body),
    });
    return r.json();
  };

  it('ends the call when it is deleted, and is not made again', async () => {
    const { stdout } = await run(path.join(path.dirname(program), 'stoactl'),
      ['--state', state, '--json', 'token', 'create', '--user', 'alice']);
    const alice = JSON.parse(stdout).token;
    const call = await ask(alice, 'POST', '/api/calls/initiate', { type: 'video', targetUserId: 'bob' });
    assert.deepEqual((await svc.listRooms([call.roomName])).map((r) => r.name), [call.roomName]);
    await svc.deleteRoom(call.roomName);
    let now;
    for (const end = Date.now() + 20_000; Date.now() < end; await new Promise((r) => setTimeout(r, 20))) {
      now = await ask(alice, 'GET', `/api/calls/${call.callId}`);
      if (now.endReason) break;
    }
    assert.equal(now.endReason, 'room_closed', JSON.stringify(now));
    await fails(svc.createRoom({ name: call.roomName }), 412, 'failed_precondition', 'the call of this room is over');
    assert.deepEqual(await svc.listRooms([call.roomName]), []);
  });
});

describe('participants', () => {
  it('are listed and read, hidden ones too', async () => {
    const name = newRoom();
    const ann = await joinSignal(stoad.url, name, 'ann');
    const eve = await joinSignal(stoad.url, name, 'eve', { grant: { hidden: true } });
    const sid = await publish(ann);
    const list = await svc.listParticipants(name);
    assert.deepEqual(list.map((p) => p.identity), ['ann', 'eve']);
    assert.equal(list[1].permission.hidden, true);
    const info = await svc.getParticipant(name, 'ann');
    assert.equal(info.sid, ann.join.participant.sid);
    assert.equal(info.state, 1);
    assert.equal(info.kind, 0);
    assert.equal(info.clientProtocol, 2);
    assert.deepEqual(info.capabilities, [2]);
    assert.equal(info.tracks.length, 1);
    assert.equal(info.tracks[0].sid, sid);
    assert.equal(info.tracks[0].source, TrackSource.MICROPHONE);
    assert.equal(info.tracks[0].muted, true);
    assert.equal(info.joinedAt, info.joinedAtMs / 1000n);
    assert.deepEqual(await svc.listParticipants('no such'), []);
    await ann.close();
    await eve.close();
  });

  it('are removed, and told so', async () => {
    const name = newRoom();
    const ann = await joinSignal(stoad.url, name, 'ann');
    const bob = await joinSignal(stoad.url, name, 'bob');
    await svc.removeParticipant(name, 'bob');
    const leave = await bob.want('leave');
    assert.equal(leave.reason, 4); // PARTICIPANT_REMOVED
    assert.equal(leave.action, 0);
    await bob.closed;
    await ann.want('update', (u) => u.participants.some((p) => p.identity === 'bob' && p.state === 3));
    await fails(svc.getParticipant(name, 'bob'), 404, 'not_found', 'participant does not exist');
    await ann.close();
  });

  it('change: name, metadata and attributes one by one, permission as a whole', async () => {
    const name = newRoom();
    const ann = await joinSignal(stoad.url, name, 'ann');
    const bob = await joinSignal(stoad.url, name, 'bob');
    let info = await svc.updateParticipant(name, 'ann', {
      name: 'Ann', metadata: 'm1', attributes: { seat_no: '7', 'öffnung': 'ja', gone: 'x' },
    });
    assert.deepEqual([info.name, info.metadata], ['Ann', 'm1']);
    assert.deepEqual(info.attributes, { seat_no: '7', 'öffnung': 'ja', gone: 'x' });
    assert.equal(info.permission.canPublish, true);
    for (const client of [ann, bob])
      await client.want('update', (u) => u.participants.some((p) => p.name === 'Ann' && p.attributes.seat_no === '7'));

    info = await svc.updateParticipant(name, 'ann', { attributes: { gone: '', seat_no: '8' } });
    assert.deepEqual([info.name, info.metadata], ['Ann', 'm1']);
    assert.deepEqual(info.attributes, { seat_no: '8', 'öffnung': 'ja' });

    const sid = await publish(ann);
    info = await svc.updateParticipant(name, 'ann', undefined, {
      canSubscribe: true, canPublish: false, canPublishData: true, canUpdateMetadata: true,
      canPublishSources: [TrackSource.CAMERA, TrackSource.SCREEN_SHARE],
    });
    assert.equal(info.permission.canPublish, false);
    assert.equal(info.permission.canUpdateMetadata, true);
    assert.deepEqual(info.permission.canPublishSources, [TrackSource.CAMERA, TrackSource.SCREEN_SHARE]);
    await ann.want('update', (u) => u.participants.some((p) => p.identity === 'ann' && !p.permission.canPublish));
    await ann.want('trackUnpublished', (t) => t.trackSid === sid);
    assert.deepEqual((await svc.getParticipant(name, 'ann')).tracks, []);
    await ann.close();
    await bob.close();
  });

  it('fail with the codes that the SDK knows', async () => {
    const name = newRoom();
    const ann = await joinSignal(stoad.url, name, 'ann');
    const calls = [
      (room, who) => svc.getParticipant(room, who),
      (room, who) => svc.removeParticipant(room, who),
      (room, who) => svc.updateParticipant(room, who, { name: 'x' }),
      (room, who) => svc.mutePublishedTrack(room, who, 'TR_x', true),
      (room, who) => svc.updateSubscriptions(room, who, ['TR_x'], true),
    ];
    for (const call of calls) {
      await fails(call('no such', 'ann'), 404, 'not_found', 'requested room does not exist');
      await fails(call(name, 'bob'), 404, 'not_found', 'participant does not exist');
      await fails(call(name, ''), 400, 'invalid_argument', 'identity cannot be empty');
    }
    const long = { metadata: 'x'.repeat(65537) };
    await fails(svc.updateParticipant(name, 'ann', long), 400, 'invalid_argument');
    await fails(svc.updateParticipant(name, 'ann', { name: 'x'.repeat(1025) }), 400, 'invalid_argument');
    const many = Object.fromEntries([...Array(1025).keys()].map((i) => [`k${i}`, 'v']));
    await fails(svc.updateParticipant(name, 'ann', { attributes: many }), 400, 'invalid_argument');
    assert.deepEqual((await svc.getParticipant(name, 'ann')).attributes, {});
    await ann.close();
  });
});

describe('tracks', () => {
  it('are muted, which their publisher hears, and not unmuted', async () => {
    const name = newRoom();
    const ann = await joinSignal(stoad.url, name, 'ann');
    const bob = await joinSignal(stoad.url, name, 'bob');
    const sid = await publish(ann, { muted: false });
    const track = await svc.mutePublishedTrack(name, 'ann', sid, true);
    assert.deepEqual([track.sid, track.name, track.muted], [sid, 'mic', true]);
    await ann.want('mute', (m) => m.sid === sid && m.muted);
    await bob.want('update', (u) => u.participants.some((p) => p.tracks.some((t) => t.sid === sid && t.muted)));
    await fails(svc.mutePublishedTrack(name, 'ann', sid, false), 412, 'failed_precondition', 'remote unmute not enabled');
    await fails(svc.mutePublishedTrack(name, 'ann', 'TR_none', true), 404, 'not_found', 'track is not found');
    await fails(svc.mutePublishedTrack(name, 'bob', sid, true), 404, 'not_found', 'track is not found');
    await ann.close();
    await bob.close();
  });

  it('are unmuted where the configuration says so', async () => {
    const name = newRoom();
    const other = new RoomServiceClient(unmuting.url, API_KEY, API_SECRET);
    const ann = await joinSignal(unmuting.url, name, 'ann');
    const sid = await publish(ann);
    assert.equal((await other.mutePublishedTrack(name, 'ann', sid, false)).muted, false);
    await ann.want('mute', (m) => m.sid === sid && !m.muted);
    await ann.close();
  });

  it('are subscribed for somebody, as far as that may', async () => {
    const name = newRoom();
    const ann = await joinSignal(stoad.url, name, 'ann');
    const bob = await joinSignal(stoad.url, name, 'bob', { grant: { canSubscribe: false } });
    const sid = await publish(ann);
    await fails(svc.updateSubscriptions(name, 'bob', [sid], true), 412, 'failed_precondition');
    await fails(svc.updateSubscriptions(name, 'bob', ['TR_none'], true), 404, 'not_found', 'track is not found');
    await fails(svc.updateSubscriptions(name, 'ann', [sid], true), 400, 'invalid_argument');
    await fails(svc.updateSubscriptions(name, 'ann', Array(4097).fill(sid), true), 400, 'invalid_argument');
    await svc.updateSubscriptions(name, 'bob', ['TR_none'], false);
    await ann.close();
    await bob.close();
  });
});

describe('what needs data channels or other nodes', () => {
  it('says that it is not there', async () => {
    const name = newRoom();
    await svc.createRoom({ name });
    await fails(svc.sendData(name, new Uint8Array([1]), DataPacket_Kind.RELIABLE, { topic: 't' }), 501, 'unimplemented');
    await fails(svc.forwardParticipant(name, 'ann', 'there'), 501, 'unimplemented');
    await fails(svc.moveParticipant(name, 'ann', 'there'), 501, 'unimplemented');
    await isError(post('PerformRpc', JSON.stringify({ room: name }), admin(name)), 501, 'unimplemented');
    await isError(post('SendData', JSON.stringify({ room: name }), admin('other')), 401, 'unauthenticated');
  });
});

describe('a token', () => {
  it('is wanted, valid, and with the grant of the call', async () => {
    const room = newRoom();
    await svc.createRoom({ name: room });
    const of = (r) => JSON.stringify({ room: r, identity: 'ann', name: r });
    await isError(post('ListRooms', '{}'), 401, 'unauthenticated', /no token/);
    await isError(post('ListRooms', '{}', { authorization: 'Bearer a.b.c' }), 401, 'unauthenticated', /invalid token/);
    await isError(post('ListRooms', '{}', { authorization: `Basic ${await jwt({ roomList: true })}` }), 401, 'unauthenticated');
    const forged = new AccessToken(API_KEY, 'another secret');
    forged.addGrant({ roomList: true });
    await isError(post('ListRooms', '{}', { authorization: `Bearer ${await forged.toJwt()}` }), 401, 'unauthenticated');
    const expired = new AccessToken(API_KEY, API_SECRET, { ttl: -3600 });
    expired.addGrant({ roomList: true });
    await isError(post('ListRooms', '{}', { authorization: `Bearer ${await expired.toJwt()}` }), 401, 'unauthenticated');
    await isError(post('ListRooms', '{}', { authorization: `Bearer ${await token(room, 'ann')}` }), 401, 'unauthenticated');

    const denied = /permissions denied/;
    await isError(post('CreateRoom', of(room), { grant: { roomList: true, roomAdmin: true, room } }), 401, 'unauthenticated', denied);
    await isError(post('DeleteRoom', of(room), admin(room)), 401, 'unauthenticated', denied);
    await isError(post('ListRooms', '{}', { grant: { roomCreate: true, roomAdmin: true, room } }), 401, 'unauthenticated', denied);
    for (const method of ['ListParticipants', 'GetParticipant', 'RemoveParticipant', 'MutePublishedTrack', 'UpdateParticipant',
      'UpdateSubscriptions', 'UpdateRoomMetadata', 'SendData', 'ForwardParticipant', 'MoveParticipant', 'PerformRpc']) {
      await isError(post(method, of(room), { grant: { roomCreate: true, roomList: true } }), 401, 'unauthenticated', denied);
      await isError(post(method, of(room), admin('another')), 401, 'unauthenticated', denied);
      await isError(post(method, of(''), admin('')), 401, 'unauthenticated', denied);
    }
    assert.equal((await svc.listRooms([room])).length, 1); // nobody deleted it
  });
});

describe('the transport', () => {
  const list = { grant: { roomList: true } };

  it('refuses other routes, verbs and types', async () => {
    await isError(post('NoSuchMethod', '{}', list), 404, 'bad_route');
    await isError(post('listRooms', '{}', list), 404, 'bad_route');
    await isError(post('ListRooms', '{}', { ...list, service: 'livekit.NoSuchService' }), 404, 'bad_route');
    await isError(post('ListRooms/more', '{}', list), 404, 'bad_route');
    for (const verb of ['GET', 'PUT', 'PATCH', 'DELETE'])
      await isError(post('ListRooms', '{}', { ...list, verb }), 404, 'bad_route');
    await isError(post('ListRooms', '{}', { ...list, type: 'text/plain' }), 404, 'bad_route');
    await isError(post('ListRooms', '{}', { ...list, type: 'application/jsonx' }), 404, 'bad_route');
  });

  it('refuses what is not the message, and says what it is', async () => {
    const cases = [
      ['', /not a JSON object/],
      ['[]', /not a JSON object/],
      ['{"names":', /not a JSON object/],
      ['{"names":["a"],"names":[]}', /not a JSON object/],
      ['{"names":"a"}', /names: a list is wanted/],
      ['{"names":[1]}', /names: a string is wanted/],
      ['{"names":[null]}', /names: a string is wanted/],
      [`${'['.repeat(100_000)}`, /not a JSON object/],
    ];
    for (const [text, message] of cases) await isError(post('ListRooms', text, list), 400, 'malformed', message);
    const create = { grant: { roomCreate: true } };
    await isError(post('CreateRoom', '{"name":"x","emptyTimeout":-1}', create), 400, 'malformed', /empty_timeout/);
    await isError(post('CreateRoom', '{"name":"x","emptyTimeout":4294967296}', create), 400, 'malformed', /empty_timeout/);
    await isError(post('CreateRoom', '{"name":"x","emptyTimeout":1,"empty_timeout":1}', create), 400, 'malformed', /twice/);
    const bytes = { ...list, type: 'application/protobuf' };
    await isError(post('ListRooms', Buffer.from([0x0a, 0x05, 0x61]), bytes), 400, 'malformed', /protobuf/);
    await isError(post('ListRooms', Buffer.from([0x0a, 0x01, 0xff]), bytes), 400, 'malformed', /protobuf/);
    assert.equal((await post('ListRooms', JSON.stringify({ names: ['x'.repeat(300_000)] }), list)).status, 413);
  });

  it('takes both spellings, numbers as text, names of the future', async () => {
    const create = { grant: { roomCreate: true }, type: 'application/json;charset=UTF-8' };
    const snake = await post('CreateRoom', JSON.stringify({ name: newRoom(), empty_timeout: '41', newer: { than: [1] } }), create);
    assert.equal(snake.json().empty_timeout, 41);
    const camel = await post('CreateRoom', JSON.stringify({ name: newRoom(), emptyTimeout: 42.0, metadata: null }), create);
    assert.equal(camel.json().empty_timeout, 42);
  });

  // Every field under the name of the .proto, with its default, and no enum but by name.
  it('answers whole messages in JSON', async () => {
    const room = newRoom();
    const ann = await joinSignal(stoad.url, room, 'ann');
    const sid = await publish(ann, { encryption: 1, audioFeatures: [3, 4], source: TrackSource.SCREEN_SHARE_AUDIO });
    const raw = async (method, body, grant) => (await post(method, JSON.stringify(body), { grant })).json();
    const whole = (json, type, without = []) => {
      const names = type.fields.list().map((f) => f.name).filter((n) => !without.includes(n));
      assert.deepEqual(Object.keys(json).sort(), names.sort());
      return type.fromJson(json); // throws for a field or an enum that it does not know
    };
    const info = await raw('GetParticipant', { room, identity: 'ann' }, { roomAdmin: true, room });
    whole(info, ParticipantInfo, ['data_tracks']);
    assert.equal(info.kind, 'STANDARD');
    assert.equal(info.state, 'JOINED');
    assert.equal(info.disconnect_reason, 'UNKNOWN_REASON');
    assert.deepEqual(info.capabilities, ['CAP_COMPRESSION_DEFLATE_RAW']);
    assert.deepEqual(info.attributes, {});
    assert.match(info.joined_at_ms, /^\d{13}$/);
    whole(info.tracks[0], TrackInfo);
    assert.equal(info.tracks[0].sid, sid);
    assert.equal(info.tracks[0].type, 'AUDIO');
    assert.equal(info.tracks[0].source, 'SCREEN_SHARE_AUDIO');
    assert.equal(info.tracks[0].encryption, 'GCM');
    assert.deepEqual(info.tracks[0].audio_features, ['TF_ECHO_CANCELLATION', 'TF_NOISE_SUPPRESSION']);
    assert.equal(info.tracks[0].version, null);
    const listed = await raw('ListRooms', { names: [room] }, { roomList: true });
    whole(listed.rooms[0], Room);
    assert.deepEqual(await raw('UpdateSubscriptions', { room, identity: 'ann' }, { roomAdmin: true, room }), {});
    await ann.close();
  });

  it('speaks protobuf as well', async () => {
    const room = newRoom();
    const call = (method, message, grant) =>
      post(method, message.toBinary(), { grant, type: 'application/protobuf' });
    const made = await call('CreateRoom', new CreateRoomRequest({ name: room, emptyTimeout: 9, minPlayoutDelay: 5 }), { roomCreate: true });
    assert.equal(made.type, 'application/protobuf');
    assert.equal(Room.fromBinary(made.bytes).emptyTimeout, 9);
    const ann = await joinSignal(stoad.url, room, 'ann');
    const listed = await call('ListRooms', new ListRoomsRequest({ names: [room] }), { roomList: true });
    assert.equal(ListRoomsResponse.fromBinary(listed.bytes).rooms[0].numParticipants, 1);
    const grant = { roomAdmin: true, room };
    const changed = await call('UpdateParticipant',
      new UpdateParticipantRequest({ room, identity: 'ann', name: 'Ann', attributes: { a: 'b' } }), grant);
    assert.deepEqual(ParticipantInfo.fromBinary(changed.bytes).attributes, { a: 'b' });
    const people = await call('ListParticipants', new ListParticipantsRequest({ room }), grant);
    assert.equal(ListParticipantsResponse.fromBinary(people.bytes).participants[0].name, 'Ann');
    await isError(call('GetParticipant', new RoomParticipantIdentity({ room, identity: 'bob' }), grant), 404, 'not_found');
    const gone = await call('RemoveParticipant', new RoomParticipantIdentity({ room, identity: 'ann' }), grant);
    assert.deepEqual([gone.status, gone.bytes.length], [200, 0]);
    assert.equal((await ann.want('leave')).reason, 4);
  });
});

describe('real clients', { timeout: 240_000 }, () => {
  let browser;
  before(async () => {
    browser = await openBrowser(stoad.url);
  });
  after(async () => {
    await browser?.close();
  });

  it('are muted, unsubscribed and sent away', async () => {
    const room = newRoom();
    const [ann, bob] = await Promise.all([browser.client(), browser.client()]);
    await ann.join(room, 'ann');
    await bob.join(room, 'bob');
    await bob.do('camera', true, { resolution: { width: 320, height: 180, frameRate: 15 } });
    await bob.do('microphone', true);
    await ann.until('hasFrames', 'bob', 'camera', 0);
    await ann.until('hasSound', 'bob', 'microphone', 0);

    const { tracks } = await svc.getParticipant(room, 'bob');
    const sidOf = (source) => tracks.find((t) => t.source === source).sid;
    await svc.mutePublishedTrack(room, 'bob', sidOf(TrackSource.MICROPHONE), true);
    await ann.until('isMuted', 'bob', 'microphone');
    await bob.until('isMuted', 'bob', 'microphone');

    await svc.updateSubscriptions(room, 'ann', [sidOf(TrackSource.CAMERA)], false);
    await ann.until('isStill', 'bob', 'camera');
    const frames = (await ann.do('received', 'bob', 'camera'))?.frames ?? 0;
    await svc.updateSubscriptions(room, 'ann', [sidOf(TrackSource.CAMERA)], true);
    await ann.until('hasFrames', 'bob', 'camera', frames);

    await svc.updateParticipant(room, 'bob', undefined, { canSubscribe: true, canPublish: false });
    await ann.until('hasNoTrack', 'bob', 'camera');
    await svc.removeParticipant(room, 'bob');
    await bob.until('heard', 'disconnected', 4);
    await ann.until('seesNobody');
    await svc.deleteRoom(room);
    await ann.until('heard', 'disconnected', 5);
  });
});
