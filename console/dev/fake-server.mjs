// SPDX-License-Identifier: Apache-2.0
// A fake of the server for looking at the console alone: node dev/fake-server.mjs [--port 8787] [--at 2016-10-05T10:20:00+09:00]
// [--mode exercise|live] [--speed 60] [--paused] [--calm] [--silent guyeong_stage_m] [--signed-out] [--degraded] [--ai-off]
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, normalize } from 'node:path';
import { parseArgs } from 'node:util';
import { FakeAlerts, Refused } from './fake/alerts.mjs';
import { city, FakeWorld } from './fake/world.mjs';

const { values: option } = parseArgs({
  options: {
    port: { type: 'string', default: '8787' },
    at: { type: 'string', default: '2016-10-05T10:20:00+09:00' },
    mode: { type: 'string', default: 'exercise' },
    speed: { type: 'string', default: '60' },
    paused: { type: 'boolean', default: false },
    calm: { type: 'boolean', default: false },
    silent: { type: 'string' },
    'signed-out': { type: 'boolean', default: false },
    degraded: { type: 'boolean', default: false },
    'ai-off': { type: 'boolean', default: false },
  },
});
const STATIC = new URL('../../src/cheoyong/faces/console/static/', import.meta.url);
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2' };
const CSP = "default-src 'self'; worker-src 'self' blob:; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const BODY_MAX = 100_000;

const people = [
  { id: 1, login: 'operator', name: '김지원', role: 'operator' },
  { id: 2, login: 'approver', name: '박서준', role: 'approver' },
];
const DESK = ['read', 'acknowledge', 'take_incident', 'draft', 'submit', 'cancel', 'replay', 'switch_exercise_person'];
const PERMISSIONS = { operator: DESK, approver: [...DESK, 'approve'] };
const settings = { mode: option.mode, speed: Number(option.speed), paused: option.paused, silent: option.silent, calm: option.calm };
const world = new FakeWorld(settings);
const alerts = new FakeAlerts(world);
world.advance(Date.parse(option.at) * 1000);
if (option.degraded) world.degraded = [{ part: 'nats', why: 'no answer for 20 s' }];
const OFF = { hazard: 'river', series: 'taehwa_stage_m', model: '', step: 'off', cause: 'missing', reason: 'its training history cannot be read: history/stage_hourly.csv.gz: there is no such file', since_us: Date.parse(option.at) * 1000 };
let person = option['signed-out'] ? null : people[0];
let away = false;

const listeners = new Set();
const send = (type, data) => listeners.forEach((out) => out.write(`id: ${world.seq}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`));
world.emit = (type, data) => send(type, data);
setInterval(() => {
  if (away) return;
  if (!world.paused && option.mode === 'exercise') world.advance(world.now_us + world.speed * 1e6);
  else if (option.mode === 'live') world.advance(world.now_us + 1e6);
  send('clock', world.clock());
}, 1000).unref();

const session = () => ({ person, organisation: { id: 1, name: '울산광역시 재난안전대책본부 (가짜)' }, permissions: PERMISSIONS[person.role], mode: option.mode, csrf: 'fake-token', city: city.session, exercise_people: option.mode === 'exercise' ? people : [] });

function events(request, response) {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  response.write(': hello\n\n');
  listeners.add(response);
  request.on('close', () => listeners.delete(response));
}

/** Routes: [method, pattern, handler(match, body, query)]. */
const routes = [
  ['GET', /^\/api\/session$/, () => session()],
  ['GET', /^\/api\/map$/, () => city.map],
  ['GET', /^\/api\/state$/, () => ({ ...world.state(), models_off: option['ai-off'] ? [OFF] : [] })],
  ['GET', /^\/api\/readings$/, (_m, _b, q) => world.readings(Number(q.get('at_us')))],
  ['GET', /^\/api\/gauges\/([^/]+)\/observations$/, ([, series], _b, q) => world.observations(series, Number(q.get('from_us')), Number(q.get('to_us')))],
  ['GET', /^\/api\/gauges\/([^/]+)\/forecasts$/, ([, series], _b, q) => world.forecasts.filter((f) => f.series === series && f.issued_us >= Number(q.get('from_us')))],
  ['POST', /^\/api\/exercise\/person$/, (_m, body) => void (person = people.find((one) => one.login === body.login) ?? person)],
  ['POST', /^\/api\/alarms\/([^/]+)\/acknowledge$/, ([, id]) => {
    const alarm = [...world.alarms.values()].find((one) => one.alarm_id === id);
    Object.assign(alarm, { state: 'acknowledged', by: person.login });
    world.fact('alarm', world.now_us, { ...alarm, step: 'acknowledged' });
  }],
  ['POST', /^\/api\/incidents\/([^/]+)\/(take|close|draft)$/, ([, id, verb]) => {
    const incident = world.incidents.get(id);
    if (verb === 'draft') return { alert_id: alerts.draft(incident, person.login).alert.alert_id };
    Object.assign(incident, verb === 'take' ? { by: person.login, state: 'taken' } : { state: 'closed' });
    world.fact('incident', world.now_us, { ...incident, step: verb === 'take' ? 'taken' : 'closed' });
  }],
  ['GET', /^\/api\/alerts\/([^/]+)$/, ([, id]) => alerts.detail(world.alerts.get(id))],
  ['POST', /^\/api\/alerts\/([^/]+)\/(\w+)$/, ([, id, verb], body) => alerts.act(world.alerts.get(id), verb, person, body)],
  ['POST', /^\/api\/replay$/, (_m, { action, speed }) => {
    if (action === 'speed') world.speed = speed;
    else if (action === 'step') world.advance(world.now_us + 3600e6);
    else world.paused = action === 'pause';
    send('clock', world.clock());
    return world.clock().replay;
  }],
  ['GET', /^\/api\/trace\/([^/]+)$/, ([, id]) => {
    if (!world.facts.has(id)) throw new Refused(404, 'no such fact', 'not_found');
    const facts = [world.facts.get(id), [...world.facts.values()].findLast((fact) => fact.kind === 'forecast')];
    return { facts, observations: world.rows.filter((row) => row.time_us > world.now_us - 3 * 3600e6) };
  }],
];

async function answer(request, response) {
  const url = new URL(request.url, 'http://fake');
  if (away) return void request.socket.destroy();
  if (url.pathname === '/fake/away') return void (away = true, listeners.forEach((out) => out.destroy()), response.end());
  if (url.pathname.startsWith('/console')) return file(url.pathname.replace(/^\/console\/?/, '') || 'index.html', response);
  const body = request.method === 'POST' ? await bodyOf(request) : {};
  if (url.pathname === '/api/session' && request.method === 'POST') {
    if (body.password !== 'fake') throw new Refused(401, 'wrong', 'not_signed_in');
    person = people.find((one) => one.login === body.login) ?? people[0];
    return json(response, 200, session());
  }
  if (url.pathname === '/api/site') return json(response, 200, { mode: option.mode, city: city.session });
  if (!person) throw new Refused(401, 'not signed in', 'not_signed_in');
  if (request.method === 'DELETE') return (person = null), json(response, 204);
  if (url.pathname === '/api/events') return events(request, response);
  if (request.method === 'POST' && request.headers['x-csrf-token'] !== 'fake-token') throw new Refused(403, 'no CSRF token', 'forbidden');
  for (const [method, pattern, handle] of routes) {
    const match = pattern.exec(decodeURIComponent(url.pathname));
    if (match && method === request.method) return json(response, 200, handle(match, body, url.searchParams) ?? {});
  }
  throw new Refused(404, 'no such path', 'not_found');
}

async function bodyOf(request) {
  let text = '';
  for await (const part of request) if ((text += part).length > BODY_MAX) throw new Refused(413, 'too large');
  return text ? JSON.parse(text) : {};
}

function json(response, status, body, type = 'application/json') {
  response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

async function file(name, response) {
  const path = new URL(normalize(`/${name}`).slice(1), STATIC);
  const bytes = await readFile(path).catch(() => null);
  if (!bytes) throw new Refused(404, 'no such file', 'not_found');
  response.writeHead(200, { 'Content-Type': TYPES[extname(name)] ?? 'application/octet-stream', 'Content-Security-Policy': CSP });
  response.end(bytes);
}

createServer((request, response) => {
  answer(request, response).catch((error) => {
    if (!(error instanceof Refused)) console.error(error);
    const { status = 500, code = 'error', detail = String(error), mend = '' } = error;
    json(response, status, { type: 'about:blank', title: code, status, detail, where: '', mend, code }, 'application/problem+json');
  });
}).listen(Number(option.port), '127.0.0.1', () => console.log(`fake server: http://127.0.0.1:${option.port}/console/`));
