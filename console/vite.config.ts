// SPDX-License-Identifier: Apache-2.0
// How the console is built: into the server's package, under /console/, with nothing inlined (strict CSP).
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

const server = process.env.CHEOYONG_CONSOLE_SERVER ?? 'http://127.0.0.1:8787';

export default defineConfig({
  base: '/console/',
  plugins: [svelte()],
  build: {
    outDir: '../src/cheoyong/faces/console/static',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    target: 'es2022',
    chunkSizeWarningLimit: 1200,
  },
  worker: { format: 'es' },
  server: { proxy: { '/api': server, '/cap': server } },
});
