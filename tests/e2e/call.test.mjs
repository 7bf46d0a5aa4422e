// SPDX-License-Identifier: Apache-2.0
// Calls between real Chromium pages with an unmodified livekit-client in its default mode.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { openBrowser } from './lib/browser.mjs';
import { startStoad } from './lib/stoad.mjs';

const CAMERA = 'camera';
const MIC = 'microphone';
const SMALL = { resolution: { width: 320, height: 180, frameRate: 15 } }; // light on the machine
const DUPLICATE_IDENTITY = 2;
const CLIENT_INITIATED = 1;

let stoad, browser;
let rooms = 0;
const newRoom = () => `room-${++rooms}`;

before(async () => {
  stoad = await startStoad();
  browser = await openBrowser(stoad.url);
});

after(async () => {
  await browser?.close();
  const how = await stoad?.stop();
  if (how) assert.deepEqual(how, { code: 0, signal: null }, stoad.log());
});

afterEach(async (t) => {
  if (t.error || process.env.STOA_E2E_VERBOSE === '2') console.error(browser.consoles());
  await browser.closeClients();
});

// Pages named a, b, c … in one room, each with camera and microphone on.
async function callOf(names, { options, camera = SMALL, publish } = {}) {
  const room = newRoom();
  const pages = await Promise.all(names.map(() => browser.client()));
  for (const [i, page] of pages.entries()) {
    await page.join(room, names[i], { options });
    await page.do('microphone', true);
    await page.do('camera', true, camera, publish);
  }
  return { room, pages };
}

// Frames keep coming and sound is heard from `identity`.
async function flows(page, identity, { video = true, audio = true } = {}) {
  if (video) {
    await page.until('hasFrames', identity, CAMERA, 0);
    const { frames } = await page.do('received', identity, CAMERA);
    await page.until('hasFrames', identity, CAMERA, frames + 10);
  }
  if (audio) {
    await page.until('hasSound', identity, MIC, 0);
    const { energy } = await page.do('received', identity, MIC);
    await page.until('hasSound', identity, MIC, energy);
  }
}

async function flowsBetweenAll(pages) {
  await Promise.all(
    pages.flatMap((page) => pages.filter((p) => p !== page).map((other) => flows(page, other.identity))),
  );
}

describe('a call', { timeout: 600_000 }, () => {
  it('of two: everybody hears and sees everybody (VP8)', async () => {
    const { pages } = await callOf(['ann', 'bob']);
    const [ann, bob] = pages;
    await flowsBetweenAll(pages);
    for (const [page, other] of [[ann, 'bob'], [bob, 'ann']]) {
      assert.equal(await page.do('state'), 'connected');
      assert.deepEqual(await page.do('identities'), [other]);
      assert.equal((await page.do('received', other, CAMERA)).codec, 'video/VP8');
      assert.equal((await page.do('received', other, MIC)).codec, 'audio/opus');
    }
  });

  it('of two with H.264', async () => {
    const { pages } = await callOf(['ann', 'bob'], { options: { publishDefaults: { videoCodec: 'h264' } } });
    await flowsBetweenAll(pages);
    for (const [page, other] of [[pages[0], 'bob'], [pages[1], 'ann']])
      assert.equal((await page.do('received', other, CAMERA)).codec, 'video/H264');
  });

  it('of three', async () => {
    const { pages } = await callOf(['ann', 'bob', 'cem']);
    await flowsBetweenAll(pages);
  });

  it('mutes and unmutes camera and microphone', async () => {
    const { pages } = await callOf(['ann', 'bob']);
    const [ann, bob] = pages;
    await flowsBetweenAll(pages);

    await ann.do('microphone', false);
    await ann.do('camera', false);
    await bob.until('isMuted', 'ann', MIC);
    await bob.until('isMuted', 'ann', CAMERA);
    const muted = await bob.do('received', 'ann', CAMERA);

    await ann.do('microphone', true);
    await ann.do('camera', true, SMALL);
    await bob.until('isMuted', 'ann', MIC, false);
    await bob.until('isMuted', 'ann', CAMERA, false);
    await bob.until('hasFrames', 'ann', CAMERA, muted.frames + 10);
    await flows(bob, 'ann');
    assert.equal(await bob.do('heard', 'trackUnpublished'), false);
  });

  it('unpublishes and publishes again', async () => {
    const { pages } = await callOf(['ann', 'bob']);
    const [ann, bob] = pages;
    await flowsBetweenAll(pages);
    await ann.do('unpublish', CAMERA);
    await bob.until('heard', 'trackUnpublished', 'ann/camera');
    await bob.until('hasNoTrack', 'ann', CAMERA);
    await ann.do('camera', true, SMALL);
    await flows(bob, 'ann');
  });

  it('shows who is there already to whoever comes late', async () => {
    const { room, pages } = await callOf(['ann']);
    const bob = await browser.client();
    await bob.join(room, 'bob');
    assert.deepEqual(await bob.do('identities'), ['ann']);
    await flows(bob, 'ann');
    await pages[0].until('sees', 'bob');
  });

  it('leave: the others are told at once', async () => {
    const { pages } = await callOf(['ann', 'bob']);
    const [ann, bob] = pages;
    await flowsBetweenAll(pages);
    await ann.do('leave');
    await bob.until('heard', 'participantDisconnected', 'ann');
    assert.deepEqual(await bob.do('identities'), []);
    assert.ok(await ann.do('heard', 'disconnected', CLIENT_INITIATED));
    assert.equal(await bob.do('state'), 'connected');
  });

  it('survives a page reload', async () => {
    const { room, pages } = await callOf(['ann', 'bob']);
    const [ann, bob] = pages;
    await flowsBetweenAll(pages);
    await ann.page.reload();
    await ann.join(room, 'ann');
    await ann.do('microphone', true);
    await ann.do('camera', true, SMALL);
    await bob.until('heard', 'participantDisconnected', 'ann');
    await flowsBetweenAll(pages);
  });

  it('a closed page is a leave', async () => {
    const { pages } = await callOf(['ann', 'bob']);
    const [ann, bob] = pages;
    await flowsBetweenAll(pages);
    await ann.page.close();
    await bob.until('heard', 'participantDisconnected', 'ann');
  });

  it('the second with an identity replaces the first', async () => {
    const { room, pages } = await callOf(['ann', 'bob']);
    const [ann, bob] = pages;
    await flowsBetweenAll(pages);
    const again = await browser.client();
    await again.join(room, 'ann');
    await ann.until('heard', 'disconnected', DUPLICATE_IDENTITY);
    await again.do('microphone', true);
    await again.do('camera', true, SMALL);
    await flows(bob, 'ann');
    await flows(again, 'bob');
    assert.equal(await again.do('state'), 'connected');
    assert.deepEqual(await again.do('identities'), ['bob']);
  });

  it('resumes on a new socket: same participant, media goes on', async () => {
    const { pages } = await callOf(['ann', 'bob']);
    const [ann, bob] = pages;
    await flowsBetweenAll(pages);
    const sid = await ann.do('sid');
    await ann.do('simulate', 'signal-reconnect');
    await ann.until('heard', 'reconnected');
    assert.equal(await ann.do('sid'), sid);
    await flowsBetweenAll(pages);
    assert.equal(await bob.do('heard', 'participantDisconnected'), false);
  });

  it('joins anew after a full reconnect', async () => {
    const { pages } = await callOf(['ann', 'bob']);
    const [ann] = pages;
    await flowsBetweenAll(pages);
    const sid = await ann.do('sid');
    await ann.do('simulate', 'full-reconnect');
    await ann.until('heard', 'reconnected');
    assert.notEqual(await ann.do('sid'), sid);
    await flowsBetweenAll(pages);
  });

  it('comes back by itself when the server asks for it', async () => {
    const { pages } = await callOf(['ann', 'bob']);
    await flowsBetweenAll(pages);
    await pages[0].do('simulate', 'leave-full-reconnect');
    await pages[0].until('heard', 'reconnected');
    await flowsBetweenAll(pages);
  });

  it('tells who speaks', async () => {
    const { pages } = await callOf(['ann', 'bob']);
    const [ann, bob] = pages; // the fake microphones beep
    await Promise.all([ann.until('heardSpeaker', 'bob'), bob.until('heardSpeaker', 'ann')]);
    await Promise.all([ann.until('heardSpeaker', 'ann'), bob.until('heardSpeaker', 'bob')]);
    await ann.do('microphone', false);
    await bob.until('isSilent', 'ann');
  });

  it('tells who speaks already to whoever comes late', async () => {
    const { room, pages } = await callOf(['ann']);
    await pages[0].until('heardSpeaker', 'ann');
    const bob = await browser.client();
    await bob.join(room, 'bob');
    await bob.until('speaks', 'ann'); // without a change since: ann beeps on and on
    await pages[0].do('unpublish', MIC);
    await bob.until('isSilent', 'ann');
  });

  it('tells how good the connections are', async () => {
    const { pages } = await callOf(['ann', 'bob']);
    const [ann, bob] = pages;
    await Promise.all([ann.until('hasQuality', 'ann'), ann.until('hasQuality', 'bob')]);
    await Promise.all([bob.until('hasQuality', 'ann'), bob.until('hasQuality', 'bob')]);
  });

  it('subscribes and unsubscribes at will', async () => {
    const { pages } = await callOf(['ann', 'bob']);
    const [ann, bob] = pages;
    await flowsBetweenAll(pages);
    await bob.do('subscribe', 'ann', CAMERA, false);
    await bob.until('heard', 'trackUnsubscribed', 'ann/camera');
    await bob.do('clearEvents');
    await bob.do('subscribe', 'ann', CAMERA, true);
    await bob.until('heard', 'trackSubscribed', 'ann/camera');
    await flows(bob, 'ann');
    assert.equal(await ann.do('heard', 'trackUnpublished'), false);
  });

  it('stops forwarding what a receiver switched off, and starts again', async () => {
    const { pages } = await callOf(['ann', 'bob']);
    const bob = pages[1];
    await flowsBetweenAll(pages);
    await bob.do('enable', 'ann', CAMERA, false);
    await bob.until('isStill', 'ann', CAMERA);
    await bob.do('enable', 'ann', CAMERA, true);
    await flows(bob, 'ann');
  });

  it('a call survives a crowd of joins and leaves', async () => {
    const { room, pages } = await callOf(['ann', 'bob']);
    await flowsBetweenAll(pages);
    for (let i = 0; i < 3; i++) {
      const guest = await browser.client();
      await guest.join(room, `guest-${i}`);
      await guest.do('camera', true, SMALL);
      await pages[0].until('hasFrames', `guest-${i}`, CAMERA, 0);
      await guest.do('leave');
      await pages[1].until('heard', 'participantDisconnected', `guest-${i}`);
    }
    await flowsBetweenAll(pages);
    assert.equal(await pages[0].do('heard', 'reconnecting'), false);
  });

  it('sends three layers and the receiver gets the highest', async () => {
    const camera = { resolution: { width: 1280, height: 720, frameRate: 15 } };
    const { pages } = await callOf(['ann'], { camera });
    const bob = await browser.client();
    await bob.join(`room-${rooms}`, 'bob');
    await pages[0].until('sendsLayers', CAMERA, ['q', 'h', 'f']);
    await bob.until('hasWidth', 'ann', CAMERA, 1280);
    await flows(bob, 'ann');
  });
});

describe('permissions', { timeout: 300_000 }, () => {
  it('a listener without canPublish hears, and cannot publish', async () => {
    const { room, pages } = await callOf(['ann']);
    const bob = await browser.client();
    await bob.join(room, 'bob', { grant: { canPublish: false } });
    await flows(bob, 'ann');
    await assert.rejects(bob.do('microphone', true));
    assert.equal(await pages[0].do('hasNoTrack', 'bob', MIC), true);
  });

  it('a hidden participant is not announced', async () => {
    const { room, pages } = await callOf(['ann']);
    const ghost = await browser.client();
    await ghost.join(room, 'ghost', { grant: { hidden: true, canPublish: false } });
    await flows(ghost, 'ann');
    assert.deepEqual(await pages[0].do('identities'), []);
  });

  it('metadata changes reach the others where granted', async () => {
    const room = newRoom();
    const [ann, bob] = await Promise.all([browser.client(), browser.client()]);
    await bob.join(room, 'bob');
    await ann.join(room, 'ann', { grant: { canUpdateOwnMetadata: true } });
    await ann.do('setMetadata', '{"hand":true}');
    await bob.until('hasMetadata', 'ann', '{"hand":true}');
    await assert.rejects(bob.do('setMetadata', 'x'));
  });
});
