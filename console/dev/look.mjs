// SPDX-License-Identifier: Apache-2.0
// Looks at the built console in headless Chromium over the fake server: screenshots, axe, requests that leave, console errors.
// node dev/look.mjs OUT_DIR [name ...]   (each name is a key of SCENES)
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const WIDE = { width: 1920, height: 1080 };
const PHONE = { width: 390, height: 844 };
const storm = ['--at', '2016-10-05T11:12:00+09:00', '--paused'];

/** What each picture shows: server options, screen, language, theme, and what is done before looking. */
const SCENES = {
  'calm-light-ko': { server: ['--at', '2016-10-04T15:20:00+09:00', '--calm', '--mode', 'live'], size: WIDE },
  'storm-light-ko': { server: storm, size: WIDE, keys: true },
  'storm-dark-ko': { server: storm, size: WIDE, theme: 'dark' },
  'storm-light-en': { server: storm, size: WIDE, language: 'en', act: openKind('incident') },
  'peak-dark-en': { server: ['--at', '2016-10-05T13:05:00+09:00', '--paused', '--silent', 'guyeong_stage_m', '--degraded'], size: WIDE, theme: 'dark', language: 'en' },
  'alarm-light-ko': { server: ['--at', '2016-10-05T13:05:00+09:00', '--paused', '--silent', 'guyeong_stage_m', '--degraded'], size: WIDE, act: openKind('alarm') },
  'draft-light-ko': { server: storm, size: WIDE, act: openKind('alert') },
  'approve-light-ko': { server: storm, size: WIDE, act: approve },
  'approve-dark-en': { server: storm, size: WIDE, theme: 'dark', language: 'en', act: approve },
  'published-light-ko': { server: storm, size: WIDE, act: publish },
  'update-light-ko': { server: storm, size: WIDE, act: update },
  'past-light-ko': { server: ['--at', '2016-10-05T13:05:00+09:00', '--paused'], size: WIDE, act: (page) => scrub(page, -180) },
  'future-light-ko': { server: storm, size: WIDE, act: (page) => scrub(page, 120) },
  'menu-dark-ko': { server: storm, size: WIDE, theme: 'dark', act: (page) => page.locator('.menu > button').click() },
  'edit-light-en': { server: storm, size: WIDE, language: 'en', act: edit },
  'table-phone-ko': { server: storm, size: PHONE, act: table },
  'ai-off-light-ko': { server: [...storm, '--ai-off'], size: WIDE },
  'ai-off-dark-en': { server: [...storm, '--ai-off'], size: WIDE, theme: 'dark', language: 'en' },
  'phone-ai-off-ko': { server: [...storm, '--ai-off'], size: PHONE },
  'phone-ai-off-dark-en': { server: [...storm, '--ai-off'], size: PHONE, theme: 'dark', language: 'en' },
  'lost-light-ko': { server: storm, size: WIDE, act: lose, refuse: true },
  'signin-light-ko': { server: ['--signed-out', '--mode', 'live'], size: WIDE },
  'laptop-light-ko': { server: storm, size: { width: 1366, height: 768 } },
  'tablet-light-en': { server: storm, size: { width: 1024, height: 768 }, language: 'en' },
  'phone-needs-ko': { server: storm, size: PHONE, keys: true },
  'phone-map-ko': { server: storm, size: PHONE, act: (page) => tab(page, 1) },
  'phone-detail-dark-ko': { server: storm, size: PHONE, theme: 'dark', act: openKind('incident') },
  'phone-approve-en': { server: storm, size: PHONE, language: 'en', act: approve },
  'phone-signin-en': { server: ['--signed-out'], size: PHONE, language: 'en' },
};

function openKind(kind) {
  const words = { alert: /^경보 ·|^Warning ·/, incident: /^상황|^Incident/, alarm: /^알람|^Alarm/ };
  return async (page) => page.locator('article .open', { has: page.locator('.meta', { hasText: words[kind] }) }).first().click();
}
async function edit(page) {
  await openKind('alert')(page);
  await page.getByRole('button', { name: 'Edit text' }).click();
}
async function table(page) {
  await openKind('incident')(page);
  await page.getByRole('button', { name: '표', exact: true }).click();
  await page.getByRole('button', { name: '시간·재현' }).click();
}
async function submit(page) {
  await openKind('alert')(page);
  await page.getByRole('button', { name: /승인 요청|Submit/ }).click();
  await page.getByRole('button', { name: /박서준/ }).first().click();
}
async function approve(page) {
  await submit(page);
  await page.getByRole('button', { name: /승인 \(훈련|Approve \(exercise/ }).click();
  await page.locator('dialog').waitFor();
}
async function publish(page) {
  await approve(page);
  await page.locator('dialog input').fill('태화강 하류');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: /경보 해제|Cancel warning/ }).waitFor();
}
async function update(page) {
  await publish(page);
  await page.getByRole('button', { name: /정정|Correct/ }).click();
  await page.locator('ins').first().waitFor();
}
async function scrub(page, minutes) {
  const name = minutes < 0 ? /1시간 이전|1 hour earlier/ : /1시간 이후|1 hour later/;
  for (let i = 0; i < Math.abs(minutes) / 60; i++) await page.getByRole('button', { name }).click();
}
async function lose(page) {
  const at = Date.now();
  await fetch(new URL('/fake/away', page.url()));
  await page.locator('[role=alert] .banner').waitFor({ timeout: 8000 });
  console.log(`  banner after ${((Date.now() - at) / 1000).toFixed(1)} s`);
}
const tab = (page, n) => page.locator('nav button').nth(n).click();

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function startFake(options) {
  const port = await freePort();
  const child = spawn(process.execPath, [new URL('./fake-server.mjs', import.meta.url).pathname, '--port', port, ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return { base: `http://127.0.0.1:${port}`, stop: () => child.kill() };
}

async function look(browser, name, scene, out) {
  const fake = await startFake(scene.server);
  const context = await browser.newContext({ viewport: scene.size, locale: 'ko-KR', deviceScaleFactor: scene.size === PHONE ? 2 : 1, bypassCSP: false });
  const trouble = [];
  await context.addInitScript(([language, theme]) => {
    localStorage.setItem('cheoyong.language', language);
    localStorage.setItem('cheoyong.theme', theme);
  }, [scene.language ?? 'ko', scene.theme ?? 'light']);
  const page = await context.newPage();
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && !/GPU stall|GL Driver|swiftshader/i.test(message.text()) && trouble.push(message.text()));
  page.on('pageerror', (error) => trouble.push(String(error)));
  page.on('request', (request) => !request.url().startsWith(fake.base) && !/^(blob|data):/.test(request.url()) && trouble.push(`left the machine: ${request.url()}`));
  const begun = Date.now();
  await page.goto(`${fake.base}/console/`);
  await page.locator('#needs-title, form').first().waitFor();
  await page.locator('article, .calm, form').first().waitFor();
  const useful_s = (Date.now() - begun) / 1000;
  await page.waitForTimeout(2500);
  await scene.act?.(page);
  await page.waitForTimeout(1200);
  await page.screenshot({ path: join(out, `${name}.png`) });
  const broken = await axeOn(page);
  const cut = await page.evaluate(cutText);
  const keys = scene.keys ? await hiddenFocus(page) : { hidden: [], stops: 0 };
  if (scene.keys) console.log(`  ${keys.stops} stops by Tab`);
  console.log(`${name}: useful after ${useful_s.toFixed(2)} s, axe ${broken.length}, cut ${cut.length}${scene.refuse ? '' : `, trouble ${trouble.length}`}`);
  for (const line of [...broken, ...keys.hidden, ...cut.map((c) => `cut: ${c}`), ...(scene.refuse ? [] : trouble)]) console.log(`  ${line}`);
  await context.close();
  fake.stop();
}

/** Text that its box cuts off without an ellipsis, and sideways scrolling of the page. */
function cutText() {
  const found = [];
  if (document.documentElement.scrollWidth > innerWidth + 1) found.push(`page is ${document.documentElement.scrollWidth} wide`);
  for (const element of document.querySelectorAll('button, p, h2, h3, td, th, dd, li, span')) {
    if (element.closest('.out-of-sight, svg') || !element.getClientRects().length || getComputedStyle(element).textOverflow === 'ellipsis') continue;
    const scroller = element.closest('.scroll');
    if (scroller && element.getBoundingClientRect().right > scroller.getBoundingClientRect().right + 1) found.push(`beyond its panel: ${element.textContent.trim().slice(0, 60)}`);
    if (element.scrollWidth > element.clientWidth + 2 && element.clientWidth > 0 && getComputedStyle(element).display !== 'inline') found.push(element.textContent.trim().slice(0, 60));
  }
  return found;
}

/** Walks by Tab; every stop must be in sight and on top where it stands (WCAG 2.4.11). */
async function hiddenFocus(page) {
  const hidden = [];
  const seen = new Set();
  for (let i = 0; i < 90; i++) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate(() => {
      const element = document.activeElement;
      if (!element || element === document.body) return null;
      const box = element.getBoundingClientRect();
      const [x, y] = [Math.min(Math.max(box.x + box.width / 2, box.x + 1), innerWidth - 1), box.y + Math.min(box.height / 2, 20)];
      const top = document.elementFromPoint(x, y);
      const name = `${element.tagName} ${(element.getAttribute('aria-label') ?? element.textContent ?? '').trim().slice(0, 40)}`;
      return { name, inSight: !!top && (element.contains(top) || top.contains(element)), y: Math.round(y) };
    });
    if (!stop) continue;
    seen.add(stop.name);
    if (!stop.inSight) hidden.push(`focus hidden at y=${stop.y}: ${stop.name}`);
  }
  return { hidden: [...new Set(hidden)], stops: seen.size };
}

/** axe by the debugger's own evaluation, which the page's CSP rightly refuses to a script tag. */
async function axeOn(page) {
  await page.evaluate(axe);
  const violations = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then((r) => r.violations));
  return violations.map((v) => `axe ${v.id} (${v.impact}): ${v.nodes.slice(0, 3).map((n) => `${n.target.join(' ')} ${n.failureSummary?.split('\n')[1] ?? ''}`).join(' | ')}`);
}

const [out = join(tmpdir(), 'cheoyong-console'), ...wanted] = process.argv.slice(2);
await mkdir(out, { recursive: true });
const profile = await mkdtemp(join(tmpdir(), 'cheoyong-look-'));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', `--disk-cache-dir=${profile}`],
});
try {
  for (const [name, scene] of Object.entries(SCENES)) if (!wanted.length || wanted.some((w) => name.includes(w))) await look(browser, name, scene, out);
} finally {
  await browser.close();
  await rm(profile, { recursive: true, force: true });
}
