// SPDX-License-Identifier: Apache-2.0
// A stoad with the real http, auth, storage and signaling, and a media plane that does what the test
// says. No package is needed: fetch, and sqlite3 or psql to look at rows. With STOA_PG_DIR, the folder of a
// PostgreSQL server's socket, every stoad gets a database of its own there instead of a file.
import { execFileSync, spawn } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('../../../', import.meta.url));
const stoad = process.env.STOAD ?? path.join(top, 'build/debug/stoad');
const modules = process.env.STOA_MODULE_DIR ?? path.join(path.dirname(stoad), 'modules');
const testModules = process.env.STOA_TEST_MODULE_DIR ?? path.join(path.dirname(stoad), 'tests/modules');
const pgDir = process.env.STOA_PG_DIR;
const storage = pgDir ? 'mod_storage_pg' : 'mod_storage_sqlite';
const READY_MS = 60_000; // sanitizer builds on a busy machine

// One that nobody has now; a restart takes it again.
function freePort() {
  return new Promise((resolve, reject) => {
    const s = createServer().once('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = s.address();
      s.close(() => resolve(port));
    });
  });
}

const secret = randomBytes(32).toString('hex');
const base64url = (o) => Buffer.from(JSON.stringify(o)).toString('base64url');

// A user token, as an application's backend signs it.
export function userToken(sub, claims = {}) {
  const now = Math.floor(Date.now() / 1000);
  const text = `${base64url({ alg: 'HS256', typ: 'JWT', kid: 'test' })}.${base64url({
    sub, name: sub, iat: now, exp: now + 3600, ...claims,
  })}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

function psql(dbname, sql) {
  return execFileSync(path.join(process.env.STOA_PG_BIN, 'psql'),
    ['-qAtX', '-v', 'ON_ERROR_STOP=1', '-h', pgDir, '-U', 'stoa', '-d', dbname, '-c', sql],
    { encoding: 'utf8', maxBuffer: 1 << 26, env: { ...process.env, PGTZ: 'UTC' } });
}

// A value as SQLite would have given it.
function plain(value) {
  if (typeof value === 'boolean') return Number(value);
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT.*\+00:00$/.test(value)) return new Date(value).toISOString();
  return value !== null && typeof value === 'object' ? JSON.stringify(value) : value;
}

export class Server {
  // `options`: of mod_signaling, as YAML in one line.
  constructor(options = {}) {
    this.dir = mkdtempSync(path.join(tmpdir(), 'stoa-calls-'));
    this.db = path.join(this.dir, 'state/stoa.db');
    this.dbname = `calls_${randomBytes(6).toString('hex')}`;
    if (pgDir) psql('postgres', `CREATE DATABASE ${this.dbname}`);
    this.moduleDir = path.join(this.dir, 'modules');
    mkdirSync(this.moduleDir);
    for (const name of ['mod_http', 'mod_auth', 'mod_metrics', storage, 'mod_signaling'])
      symlinkSync(path.join(modules, `${name}.so`), path.join(this.moduleDir, `${name}.so`));
    symlinkSync(path.join(testModules, 'mod_test_sfu.so'), path.join(this.moduleDir, 'mod_test_sfu.so'));
    writeFileSync(path.join(this.dir, 'user-key'), secret, { mode: 0o600 });
    writeFileSync(path.join(this.dir, 'api-key'), randomBytes(32).toString('hex'), { mode: 0o600 });
    this.options = options;
  }

  configure() {
    writeFileSync(path.join(this.dir, 'stoa.yaml'), `
modules:
  mod_http: { load: yes, listeners: { main: { address: "127.0.0.1:${this.port}" } } }
  mod_auth:
    load: yes
    keys: { test: { secret: "file:${this.dir}/user-key" } }
    api-keys: { test: { secret: "file:${this.dir}/api-key" } }
  ${storage}: { load: yes, ${pgDir ? `host: "${pgDir}", dbname: ${this.dbname}, ` : ''}migrations: "${
  path.join(top, 'migrations', pgDir ? 'pg' : 'sqlite')}" }
  mod_signaling: { load: yes, ${Object.entries(this.options).map(([k, v]) => `${k}: ${v}`).join(', ')} }
  mod_metrics: { load: yes }
  mod_test_sfu: { load: yes }
`);
  }

  async start() {
    this.port ??= await freePort();
    this.url = `http://127.0.0.1:${this.port}`;
    this.configure();
    this.log = '';
    this.child = spawn(stoad, ['--config', path.join(this.dir, 'stoa.yaml'), '--module-dir', this.moduleDir,
      '--state', path.join(this.dir, 'state')], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.end = () => this.child.kill('SIGKILL');
    process.on('exit', this.end);
    this.exited = new Promise((resolve) => this.child.on('exit', (code, signal) => resolve({ code, signal })));
    this.child.stderr.on('data', (chunk) => { this.log += chunk; });
    for (const until = Date.now() + READY_MS; Date.now() < until;) {
      if (/ core: ready/.test(this.log)) return this;
      if (this.child.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    this.child.kill('SIGKILL');
    throw new Error(`stoad did not start\n${this.log}`);
  }

  async kill(signal) {
    this.child.kill(signal);
    const timer = signal === 'SIGTERM' && setTimeout(() => this.child.kill('SIGTERM'), 500); // open calls: now
    const how = await this.exited;
    clearTimeout(timer);
    process.off('exit', this.end);
    return how;
  }

  // 0 unless a sanitizer found something.
  async stop() {
    const how = await this.kill('SIGTERM');
    rmSync(this.dir, { recursive: true, force: true });
    return how;
  }

  // {status, body, headers}; `who` is a token or undefined.
  async request(method, target, { who, body, key, headers = {} } = {}) {
    const r = await fetch(this.url + target, {
      method,
      headers: {
        ...(who && { authorization: `Bearer ${who}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(key && { 'idempotency-key': key }),
        ...headers,
      },
      body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await r.text();
    return { status: r.status, headers: r.headers, body: text ? JSON.parse(text) : null };
  }

  post(target, who, body, more = {}) {
    return this.request('POST', target, { who, body, ...more });
  }

  get(target, who) {
    return this.request('GET', target, { who });
  }

  act(id, verb, who, body, more) {
    return this.post(`/api/calls/${id}/${verb}`, who, body, more);
  }

  async media(callId, action, identity, more = {}) {
    const r = await this.post('/test/media', undefined, { room: `call-${callId}`, action, identity, ...more });
    return r.status;
  }

  // Rows of the database, read by a program of its own.
  rows(sql) {
    if (pgDir) {
      return JSON.parse(psql(this.dbname, `SELECT COALESCE(json_agg(q), '[]') FROM (${sql}) q`))
        .map((row) => Object.fromEntries(Object.entries(row).map(([k, v]) => [k, plain(v)])));
    }
    const out = execFileSync('sqlite3', ['-readonly', '-json', this.db, sql], { encoding: 'utf8', maxBuffer: 1 << 26 });
    return out.trim() ? JSON.parse(out) : [];
  }

  call(id) {
    return this.rows(`SELECT * FROM nchat_calls WHERE call_id = '${id}'`)[0];
  }

  // {user: status} of a call's rows.
  people(id) {
    return Object.fromEntries(this.rows(
      `SELECT user_id, status FROM nchat_call_participants WHERE call_id = '${id}' ORDER BY user_id`,
    ).map((r) => [r.user_id, r.status]));
  }

  // Waits until the database says so.
  async until(is, what) {
    for (const end = Date.now() + 15_000; Date.now() < end;) {
      if (is()) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`never: ${what}`);
  }
}
