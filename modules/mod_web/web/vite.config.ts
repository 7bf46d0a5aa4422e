import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

// What the page may load and whom it may talk to: itself, and the signal socket, which an operator
// may have put on another host (public-url). Media does not pass here.
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "media-src 'self' blob: mediastream:",
  "connect-src 'self' ws: wss:",
  "base-uri 'none'",
  "form-action 'self'",
].join('; ');

// Only in what is built: the development server injects inline scripts.
function contentSecurityPolicy(): Plugin {
  return {
    name: 'content-security-policy',
    apply: 'build',
    transformIndexHtml: () => [
      {
        tag: 'meta',
        attrs: { 'http-equiv': 'Content-Security-Policy', content: policy },
        injectTo: 'head-prepend',
      },
    ],
  };
}

export default defineConfig({
  plugins: [react(), contentSecurityPolicy()],
  build: {
    target: 'es2022',
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1000,
    license: { fileName: 'third-party-licenses.md' }, // of what is bundled: to be passed on with it
  },
  server: { proxy: { '/api': 'http://127.0.0.1:7880', '/rtc': { target: 'ws://127.0.0.1:7880', ws: true } } },
});
