// SPDX-License-Identifier: Apache-2.0
// compress.mjs DIR: name.br and name.gz beside each script and style sheet; the daemon sends them as
// they are, so compression costs once and not per visitor.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';

const dir = process.argv[2];
for (const name of readdirSync(dir).filter((n) => /\.(js|css)$/.test(n))) {
  const path = join(dir, name);
  const content = readFileSync(path);
  writeFileSync(`${path}.br`, brotliCompressSync(content));
  writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
}
