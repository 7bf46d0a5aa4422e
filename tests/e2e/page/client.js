// SPDX-License-Identifier: Apache-2.0
// What a test page can do: thin steps over livekit-client, and looks at what arrives.
import { Room, RoomEvent, Track, setLogLevel } from 'livekit-client';

setLogLevel('debug');

const events = []; // [name, detail]
let room;

function note(name, detail = '') {
  events.push([name, String(detail)]);
}

function watch() {
  room
    .on(RoomEvent.Disconnected, (reason) => note('disconnected', reason))
    .on(RoomEvent.Reconnecting, () => note('reconnecting'))
    .on(RoomEvent.SignalReconnecting, () => note('signalReconnecting'))
    .on(RoomEvent.Reconnected, () => note('reconnected'))
    .on(RoomEvent.ParticipantConnected, (p) => note('participantConnected', p.identity))
    .on(RoomEvent.ParticipantDisconnected, (p) => note('participantDisconnected', p.identity))
    .on(RoomEvent.TrackSubscribed, (track, pub, p) => {
      document.body.append(track.attach());
      note('trackSubscribed', `${p.identity}/${pub.source}`);
    })
    .on(RoomEvent.TrackUnsubscribed, (track, pub, p) => {
      track.detach().forEach((e) => e.remove());
      note('trackUnsubscribed', `${p.identity}/${pub.source}`);
    })
    .on(RoomEvent.TrackUnpublished, (pub, p) => note('trackUnpublished', `${p.identity}/${pub.source}`))
    .on(RoomEvent.TrackSubscriptionFailed, (sid, p, e) => note('trackSubscriptionFailed', `${p.identity}/${e}`))
    .on(RoomEvent.ActiveSpeakersChanged, (list) => note('speakers', list.map((p) => p.identity)))
    .on(RoomEvent.RoomMetadataChanged, (m) => note('roomMetadata', m))
    .on(RoomEvent.ParticipantMetadataChanged, (_, p) => note('metadata', `${p.identity}/${p.metadata}`));
}

const participant = (identity) =>
  identity === room.localParticipant.identity
    ? room.localParticipant
    : room.remoteParticipants.get(identity);
const publication = (identity, source) => participant(identity)?.getTrackPublication(source);

async function reports(peer, type) {
  const stats = await peer?.getStats();
  return stats ? [...stats.values()].filter((r) => r.type === type) : [];
}

const call = {
  async join(url, token, options, connect) {
    room = new Room(options);
    watch();
    await room.connect(url, token, connect);
  },
  async camera(on, options, publish) {
    await room.localParticipant.setCameraEnabled(on, options, publish);
  },
  async microphone(on) {
    await room.localParticipant.setMicrophoneEnabled(on);
  },
  async unpublish(source) {
    await room.localParticipant.unpublishTrack(publication(room.localParticipant.identity, source).track);
  },
  async leave() {
    await room.disconnect();
  },
  async simulate(scenario) {
    await room.simulateScenario(scenario);
  },
  async setMetadata(text) {
    await room.localParticipant.setMetadata(text);
  },
  subscribe(identity, source, on) {
    publication(identity, source).setSubscribed(on);
  },
  quality(identity, source, q) {
    publication(identity, source).setVideoQuality(q);
  },
  enable(identity, source, on) {
    publication(identity, source).setEnabled(on);
  },

  // ---- looks; all fit for until() ----
  state: () => room?.state,
  isConnected: () => room?.state === 'connected',
  sid: () => room.localParticipant.sid,
  identities: () => [...room.remoteParticipants.keys()].sort(),
  sees: (...identities) => identities.every((i) => room.remoteParticipants.has(i)),
  seesNobody: () => room.remoteParticipants.size === 0,
  events: () => events,
  clearEvents: () => events.splice(0).length,
  heard: (name, detail) => events.some((e) => e[0] === name && (detail === undefined || e[1] === String(detail))),
  isMuted: (identity, source, want = true) => publication(identity, source)?.isMuted === want,
  hasTrack: (identity, source) => !!publication(identity, source),
  hasNoTrack: (identity, source) => !publication(identity, source),
  heardSpeaker: (identity) => events.some((e) => e[0] === 'speakers' && e[1].split(',').includes(identity)),
  speaks: (identity) => room.activeSpeakers.some((p) => p.identity === identity),
  isSilent: (identity) => !room.activeSpeakers.some((p) => p.identity === identity),
  hasQuality: (identity) => ['good', 'excellent'].includes(participant(identity)?.connectionQuality),
  metadataOf: (identity) => participant(identity)?.metadata,
  hasMetadata: (identity, text) => participant(identity)?.metadata === text,

  // What a received track's receiver tells: frames, size, energy, codec.
  async received(identity, source) {
    const [rtp] = await reports(publication(identity, source)?.track?.receiver, 'inbound-rtp');
    if (!rtp) return null;
    const [codec] = (await reports(publication(identity, source)?.track?.receiver, 'codec')).filter(
      (c) => c.id === rtp.codecId,
    );
    return {
      frames: rtp.framesDecoded ?? 0,
      width: rtp.frameWidth ?? 0,
      height: rtp.frameHeight ?? 0,
      packets: rtp.packetsReceived ?? 0,
      lost: rtp.packetsLost ?? 0,
      energy: rtp.totalAudioEnergy ?? 0,
      samples: rtp.totalSamplesReceived ?? 0,
      concealed: rtp.concealedSamples ?? 0,
      freezes: rtp.freezeCount ?? 0,
      plis: rtp.pliCount ?? 0,
      nacks: rtp.nackCount ?? 0,
      codec: codec?.mimeType ?? '',
    };
  },
  async hasFrames(identity, source, more) {
    return ((await call.received(identity, source))?.frames ?? 0) > more;
  },
  async hasSound(identity, source, more) {
    return ((await call.received(identity, source))?.energy ?? 0) > more;
  },
  async isStill(identity, source) {
    const before = (await call.received(identity, source))?.frames;
    await new Promise((resolve) => setTimeout(resolve, 1500));
    return (await call.received(identity, source))?.frames === before;
  },
  async hasWidth(identity, source, width) {
    return (await call.received(identity, source))?.width === width;
  },
  // What is sent: one entry per encoding.
  async sent(source) {
    const rtp = await reports(publication(room.localParticipant.identity, source)?.track?.sender, 'outbound-rtp');
    return rtp.map((r) => ({ rid: r.rid ?? '', frames: r.framesEncoded ?? 0, width: r.frameWidth ?? 0,
      bytes: r.bytesSent, nacks: r.nackCount, plis: r.pliCount, retransmitted: r.retransmittedPacketsSent,
      limited: r.qualityLimitationReason, target: r.targetBitrate }));
  },
  async sendsLayers(source, rids) {
    const list = await call.sent(source);
    return rids.every((rid) => list.some((r) => r.rid === rid && r.frames > 10));
  },
};

globalThis.call = call;
globalThis.Track = Track;
