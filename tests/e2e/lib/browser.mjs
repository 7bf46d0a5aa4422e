// SPDX-License-Identifier: Apache-2.0
// One Chromium for a test file, and pages in it that hold an unmodified livekit-client.
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { token } from './token.mjs';

export const executablePath = process.env.STOA_CHROMIUM ?? '/usr/bin/chromium';
export const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-sync',
  '--no-first-run',
  '--disable-renderer-backgrounding',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--autoplay-policy=no-user-gesture-required',
  '--use-fake-ui-for-media-stream',
  '--use-fake-device-for-media-stream',
  '--disable-features=WebRtcHideLocalIpsWithMdns', // one list: of several the last would count
];

async function bundle() {
  const r = await build({
    entryPoints: [fileURLToPath(new URL('../page/client.js', import.meta.url))],
    bundle: true,
    format: 'iife',
    write: false,
    logLevel: 'silent',
  });
  return r.outputFiles[0].text;
}

// A bare page on an address of its own: clients live on other origins than the server.
async function servePage() {
  const js = await bundle();
  const server = createServer((req, res) => {
    const isScript = req.url === '/client.js';
    res.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html' });
    res.end(isScript ? js : '<!doctype html><title>call</title><script src="/client.js"></script>');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

export async function openBrowser(stoadUrl) {
  const pageServer = await servePage();
  const pageUrl = `http://127.0.0.1:${pageServer.address().port}/`;
  const browser = await chromium.launch({ executablePath, headless: true, args });
  const wsUrl = stoadUrl.replace(/^http/, 'ws');
  const clients = new Set();

  return {
    // A page of its own context (no shared storage, no shared process state).
    async client() {
      const context = await browser.newContext();
      const page = await context.newPage();
      const client = new Client(page, wsUrl);
      page.on('console', (m) => client.console.push(`${m.type()}: ${m.text()}`));
      page.on('pageerror', (e) => client.console.push(`error: ${e.message}`));
      await page.goto(pageUrl);
      clients.add(client);
      return client;
    },
    async closeClients() {
      await Promise.all([...clients].map((c) => c.page.context().close()));
      clients.clear();
    },
    // What the pages said, for the report of a failed test.
    consoles: () => [...clients].map((c, i) => `--- page ${i} (${c.identity})\n${c.console.join('\n')}`).join('\n'),
    async close() {
      await browser.close();
      await new Promise((resolve) => pageServer.close(resolve));
    },
  };
}

class Client {
  constructor(page, wsUrl) {
    this.page = page;
    this.wsUrl = wsUrl;
    this.console = [];
    this.identity = '';
  }

  // Joins; `options` are livekit-client's RoomOptions and RoomConnectOptions.
  async join(room, identity, { grant, options = {}, connect = {} } = {}) {
    this.identity = identity;
    const jwt = await token(room, identity, grant);
    await this.page.evaluate(
      ([url, jwt, options, connect]) => globalThis.call.join(url, jwt, options, connect),
      [this.wsUrl, jwt, options, connect],
    );
  }

  // Runs a function of the page's `call` object.
  do(name, ...values) {
    return this.page.evaluate(([name, values]) => globalThis.call[name](...values), [name, values]);
  }

  // Waits until the page's function yields something true, and yields it.
  async until(name, ...values) {
    const end = Date.now() + UNTIL_MS;
    for (;;) {
      const r = await this.do(name, ...values);
      if (r) return r;
      if (Date.now() > end)
        throw new Error(`${this.identity}: ${name}(${JSON.stringify(values)}) never came true; ` +
          `heard ${JSON.stringify(await this.do('events'))}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

// Not a bar for speed: how long a stuck test may take on a loaded machine.
export const UNTIL_MS = Number(process.env.STOA_E2E_UNTIL_MS ?? 45_000);
