// SPDX-License-Identifier: Apache-2.0
// Starts a demo stoad of its own for a test file, waits for its `ready` line, ends it.
// STOAD and STOA_MODULE_DIR choose the build; without them the debug build beside the sources.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('../../../', import.meta.url));
export const stoad = process.env.STOAD ?? path.join(top, 'build/debug/stoad');
const modules = process.env.STOA_MODULE_DIR ?? path.join(path.dirname(stoad), 'modules');
const READY_MS = 60_000; // sanitizer builds on a busy machine

export const API_KEY = 'devkey';
export const API_SECRET = 'secret';

// Where this file's ports begin; the suites run one after another.
export const PORT = Number(process.env.STOA_E2E_PORT ?? 21500);

export async function startStoad({ port = PORT, args = [] } = {}) {
  const state = await mkdtemp(path.join(tmpdir(), 'stoa-e2e-'));
  const child = spawn(
    stoad,
    ['--demo', '--module-dir', modules, '--state', state, '--port', String(port), ...args],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const log = [];
  let out = '';
  const end = () => child.kill('SIGKILL'); // a test runner that is cut off leaves nothing behind
  process.on('exit', end);
  const exited = new Promise((resolve) => child.on('exit', (code, signal) => resolve({ code, signal })));
  const ready = new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('stoad is not ready')), READY_MS);
    child.on('error', reject);
    child.stdout.on('data', (chunk) => {
      out += chunk;
      const line = /^ready (http:\S+)/m.exec(out);
      if (line) {
        clearTimeout(timer);
        resolve(line[1]);
      }
    });
    exited.then((how) => {
      clearTimeout(timer);
      reject(new Error(`stoad ended before it was ready: ${JSON.stringify(how)}`));
    });
  });
  child.stderr.on('data', (chunk) => {
    log.push(String(chunk));
    if (process.env.STOA_E2E_VERBOSE) process.stderr.write(chunk);
  });

  const server = {
    port,
    pid: child.pid,
    log: () => log.join(''),
    // Ends it the gentle way and says how it went: every suite checks for exit code 0, so that a
    // leak or a race that a sanitizer found fails the suite.
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGTERM'), 15_000); // the second one means now
      const how = await exited;
      process.off('exit', end);
      clearTimeout(timer);
      await rm(state, { recursive: true, force: true });
      return how;
    },
    // As a crash would.
    async kill() {
      child.kill('SIGKILL');
      await exited;
      process.off('exit', end);
      await rm(state, { recursive: true, force: true });
    },
  };
  try {
    server.url = await ready;
  } catch (e) {
    child.kill('SIGKILL');
    await exited;
    await rm(state, { recursive: true, force: true });
    e.message += `\n${server.log()}`;
    throw e;
  }
  return server;
}
