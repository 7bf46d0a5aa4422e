// SPDX-License-Identifier: Apache-2.0
// The web app as people use it: two guests, each in a browser context of their own.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { chromium } from 'playwright-core';
import { args, executablePath, UNTIL_MS } from './lib/browser.mjs';
import { startStoad } from './lib/stoad.mjs';

const artifacts = process.env.STOA_E2E_ARTIFACTS;
let stoad, browser;
let guests = [];

before(async () => {
  stoad = await startStoad();
  browser = await chromium.launch({ executablePath, headless: true, args });
});

after(async () => {
  await browser?.close();
  const how = await stoad?.stop();
  if (how) assert.deepEqual(how, { code: 0, signal: null }, stoad.log());
});

afterEach(async () => {
  const said = guests.flatMap((g) => g.console);
  await Promise.all(guests.map((g) => g.leave())); // so that the daemon need not wait for them
  await Promise.all(guests.map((g) => g.page.context().close()));
  guests = [];
  const refused = said.filter((line) => /Content.Security.Policy/i.test(line));
  assert.deepEqual(refused, [], 'the page asks for more than its policy allows');
});

// Keeps the page's peer connections, so that the test can ask what was decoded.
function watchConnections() {
  const all = (globalThis.connections = []);
  const Original = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Original {
    constructor(...values) {
      super(...values);
      all.push(this);
    }
  };
}

class Guest {
  constructor(name, page) {
    this.name = name;
    this.page = page;
    this.console = [];
    page.setDefaultTimeout(UNTIL_MS);
    page.on('console', (m) => this.console.push(`${name}: ${m.type()}: ${m.text()}`));
    page.on('pageerror', (e) => this.console.push(`${name}: error: ${e.message}`));
  }

  button = (name) => this.page.getByRole('button', { name, exact: true });
  press = (name) => this.button(name).click();
  sees = (role, name) => this.page.getByRole(role, { name, exact: true }).waitFor();
  misses = (role, name) => this.page.getByRole(role, { name, exact: true }).waitFor({ state: 'detached' });

  async enter(address, action) {
    await this.page.goto(address);
    await this.page.getByLabel('Your name').fill(this.name);
    await this.press(action);
  }

  async leave() {
    const button = this.button('Leave');
    if (!(await button.isVisible())) return;
    await button.click();
    await this.button('Start a call').waitFor();
  }

  framesDecoded = () =>
    this.page.evaluate(async () => {
      let frames = 0;
      for (const pc of globalThis.connections)
        for (const s of (await pc.getStats()).values())
          if (s.type === 'inbound-rtp' && s.kind === 'video') frames += s.framesDecoded ?? 0;
      return frames;
    });

  // The picture of `name` is there, plays, and frames keep being decoded.
  async watches(name, what = 'Video') {
    const video = this.page.getByLabel(`${what} of ${name}`, { exact: true });
    await video.waitFor();
    await until(() => video.evaluate((v) => v.videoWidth > 0 && v.currentTime > 0), `${this.name} sees ${name}`);
    const [time, frames] = [await video.evaluate((v) => v.currentTime), await this.framesDecoded()];
    await until(() => video.evaluate((v, t) => v.currentTime > t + 0.5, time), `${name}'s picture moves`);
    await until(async () => (await this.framesDecoded()) > frames + 5, `${name}'s frames are decoded`);
  }
}

async function guest(name) {
  const context = await browser.newContext({ viewport: { width: 1100, height: 700 } });
  await context.addInitScript(watchConnections);
  const g = new Guest(name, await context.newPage());
  guests.push(g);
  return g;
}

async function until(check, what) {
  const end = Date.now() + UNTIL_MS;
  while (!(await check())) {
    if (Date.now() > end) {
      throw new Error(`never came true: ${what}\n${guests.flatMap((g) => g.console).join('\n')}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function picture(g, name) {
  if (!artifacts) return;
  await mkdir(artifacts, { recursive: true });
  await g.page.screenshot({ path: path.join(artifacts, `${name}.png`) });
}

async function callOfTwo() {
  const [alice, bob] = [await guest('Alice'), await guest('Bob')];
  await alice.enter(`${stoad.url}/`, 'Start a call');
  await alice.page.waitForURL(/\/call\/[^/]+$/);
  await bob.enter(alice.page.url(), 'Join the call');
  await Promise.all([alice.watches('Bob'), bob.watches('Alice')]);
  return [alice, bob];
}

describe('files', () => {
  it('keeps hashed files for a year and revalidates the page', async () => {
    const page = await fetch(`${stoad.url}/`);
    assert.equal(page.status, 200);
    assert.match(page.headers.get('content-type'), /^text\/html/);
    assert.match(page.headers.get('cache-control'), /no-cache/);
    const html = await page.text();
    const script = /src="(\/assets\/[^"]+\.js)"/.exec(html)[1];
    const asset = await fetch(stoad.url + script);
    assert.equal(asset.status, 200);
    assert.match(asset.headers.get('cache-control'), /immutable/);
    assert.match(asset.headers.get('content-type'), /javascript/);
    await asset.arrayBuffer();
  });

  it('answers an address inside the app with the app, and nothing else with it', async () => {
    const html = { headers: { accept: 'text/html' } };
    const inside = await fetch(`${stoad.url}/call/some-call`, html);
    assert.equal(inside.status, 200);
    assert.match(await inside.text(), /<div id="app">/);
    for (const wrong of ['/assets/none.js', '/api/none']) {
      const answer = await fetch(stoad.url + wrong);
      assert.equal(answer.status, 404, wrong);
      await answer.arrayBuffer();
    }
  });
});

describe('page', () => {
  it('says what is wrong with a link', async () => {
    const alice = await guest('Alice');
    await alice.enter(`${stoad.url}/call/01890000-0000-7000-8000-000000000000`, 'Join the call');
    const problem = alice.page.getByRole('alert').filter({ hasText: /\w/ });
    await problem.waitFor();
    assert.match(await problem.textContent(), /call/i);
    await picture(alice, 'wrong-link');
  });

  it('brings two guests together', async () => {
    const [alice, bob] = await callOfTwo();
    await alice.sees('region', 'Participants');
    await alice.page.getByText('2 people').waitFor();
    await alice.press('Copy link');
    await picture(alice, 'call-alice');
    await picture(bob, 'call-bob');
  });

  it('shows who is muted', async () => {
    const [alice, bob] = await callOfTwo();
    await alice.press('Mute microphone');
    await bob.sees('img', 'Alice is muted');
    await alice.press('Turn camera off');
    await bob.sees('img', "Alice's camera is off");
    await picture(bob, 'muted');
    await alice.press('Unmute microphone');
    await bob.misses('img', 'Alice is muted');
    await alice.press('Turn camera on');
    await bob.misses('img', "Alice's camera is off");
    await bob.watches('Alice');
  });

  it('shows a shared screen large', async () => {
    const [alice, bob] = await callOfTwo();
    await bob.press('Share screen');
    await alice.watches('Bob', 'Screen');
    const width = (name) => alice.page.getByLabel(name, { exact: true }).evaluate((v) => v.clientWidth);
    assert.ok((await width('Screen of Bob')) > 2 * (await width('Video of Bob')));
    await alice.watches('Bob');
    await picture(alice, 'screen');
    await bob.press('Stop sharing');
    await alice.page.getByLabel('Screen of Bob', { exact: true }).waitFor({ state: 'detached' });
    await alice.watches('Bob');
  });

  it('returns to the call after a reload', async () => {
    const [alice, bob] = await callOfTwo();
    await bob.page.reload();
    await Promise.all([alice.watches('Bob'), bob.watches('Alice')]);
    await alice.page.getByText('2 people').waitFor();
  });

  it('says that the call has ended', async () => {
    const [alice, bob] = await callOfTwo();
    const status = await alice.page.evaluate(async () => {
      const { token } = JSON.parse(sessionStorage.getItem('stoa.session'));
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const answer = await fetch(`/api${location.pathname.replace('call', 'calls')}/end`, { method: 'POST', headers, body: '{}' });
      return answer.status;
    });
    assert.equal(status, 200);
    for (const g of [alice, bob]) await g.sees('heading', 'The call has ended.');
    await picture(bob, 'ended');
    await bob.press('Back to the start');
    await bob.button('Start a call').waitFor();
    await alice.page.reload(); // the link is now that of a call that is over
    await alice.press('Join the call');
    await alice.page.getByRole('alert').filter({ hasText: /\w/ }).waitFor();
    await picture(alice, 'over');
  });

  it('lets in who has no camera', async () => {
    const alice = await guest('Alice');
    await alice.page.addInitScript(() => {
      navigator.mediaDevices.getUserMedia = () =>
        Promise.reject(new DOMException('Permission denied', 'NotAllowedError'));
    });
    await alice.enter(`${stoad.url}/`, 'Start a call');
    await alice.page.getByRole('status').filter({ hasText: 'may not use the camera' }).waitFor();
    await alice.sees('img', "Alice's camera is off");
    await picture(alice, 'no-camera');
  });

  it('leaves to the start page', async () => {
    const [alice, bob] = await callOfTwo();
    await bob.press('Leave');
    await bob.button('Start a call').waitFor();
    assert.equal(new URL(bob.page.url()).pathname, '/');
    await alice.page.getByText('Nobody else is here').waitFor();
    await alice.press('Leave');
    await alice.button('Start a call').waitFor();
  });
});
