// SPDX-License-Identifier: Apache-2.0
// A bare signal socket, to say what no well-behaved client would.
import {
  AddTrackRequest, JoinRequest, SessionDescription, SignalRequest, SignalResponse, WrappedJoinRequest,
} from '@livekit/protocol';
import { gzipSync } from 'node:zlib';
import WebSocket from 'ws';
import { token } from './token.mjs';

const WAIT_MS = 20_000;

export function joinParam(join = {}, { compression = 1, inner } = {}) {
  const bytes = inner ?? new JoinRequest({
    clientInfo: { sdk: 1, version: '2.23.0', protocol: 17, clientProtocol: 2, capabilities: [2] },
    connectionSettings: { autoSubscribe: true },
    ...join,
  }).toBinary();
  const wrapped = new WrappedJoinRequest({
    compression,
    joinRequest: compression === 1 ? gzipSync(bytes) : bytes,
  }).toBinary();
  return encodeURIComponent(Buffer.from(wrapped).toString('base64').replaceAll('+', '-').replaceAll('/', '_'));
}

export async function signalUrl(base, room, identity, { join, grant, path = '/rtc/v1', param } = {}) {
  const jwt = await token(room, identity, grant);
  return `${base.replace(/^http/, 'ws')}${path}?access_token=${jwt}&join_request=${param ?? joinParam(join)}`;
}

export class Signal {
  constructor(url, options) {
    this.received = [];
    this.waiters = new Set();
    this.ws = new WebSocket(url, options);
    this.ws.binaryType = 'nodebuffer';
    this.opened = new Promise((resolve, reject) => {
      this.ws.on('open', resolve);
      this.ws.on('unexpected-response', (req, res) => {
        res.resume();
        reject(Object.assign(new Error(`refused with ${res.statusCode}`), { status: res.statusCode }));
      });
      this.ws.on('error', reject);
    });
    this.opened.catch(() => {});
    this.closed = new Promise((resolve) => this.ws.on('close', (code) => resolve(code)));
    this.ws.on('message', (data) => {
      this.received.push(SignalResponse.fromBinary(data).message);
      this.waiters.forEach((look) => look());
    });
  }

  // The first message of that verb which satisfies `is`, waiting for it if need be.
  want(verb, is = () => true) {
    return new Promise((resolve, reject) => {
      const look = () => {
        const m = this.received.find((r) => r.case === verb && is(r.value));
        if (!m) return;
        done();
        resolve(m.value);
      };
      const timer = setTimeout(() => {
        done();
        reject(new Error(`no ${verb}; got ${this.received.map((r) => r.case).join(' ')}`));
      }, WAIT_MS);
      const done = () => {
        clearTimeout(timer);
        this.waiters.delete(look);
      };
      this.waiters.add(look);
      look();
    });
  }

  all = (verb) => this.received.filter((r) => r.case === verb).map((r) => r.value);

  send(verb, value) {
    this.ws.send(new SignalRequest({ message: { case: verb, value } }).toBinary());
  }

  // What was sent before has been applied when this resolves: a ping goes through the edge only, so
  // a request that ctl answers is used.
  async settled() {
    const requestId = ++Signal.requests;
    this.send('updateMetadata', { requestId });
    await this.want('requestResponse', (r) => r.requestId === requestId);
  }

  static requests = 1000;

  addTrack(cid, more = {}) {
    this.send('addTrack', new AddTrackRequest({ cid, type: 0, source: 2, ...more }));
  }

  offer(sdp, id) {
    this.send('offer', new SessionDescription({ type: 'offer', sdp, id }));
  }

  async close() {
    this.ws.close(1000);
    return this.closed;
  }
}

export async function joinSignal(base, room, identity, options = {}) {
  const s = new Signal(await signalUrl(base, room, identity, options));
  await s.opened;
  if (!options.join?.reconnect) s.join = await s.want('join');
  return s;
}
