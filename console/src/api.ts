// SPDX-License-Identifier: Apache-2.0
// The console's one way to the server: typed calls, the CSRF header, problems as errors, a time limit on all.
import { readMap, type RawMap } from './map/read-map';
import type { SensorHealth, StreamEvidence } from './state/evidence';
import type { Alarm, AlarmList, AlarmLoad, AlertDetail, AlertText, Forecast, Observed, Reading, Replay, Session, Site, Snapshot, Trace } from './state/facts';

const TIMEOUT_MS = 10_000;

/** A problem document (RFC 9457), or a connection that failed (`status` 0). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly mend = '',
    readonly where = '',
  ) {
    super(detail);
  }
}

let csrf = '';

async function call<T>(method: string, path: string, body?: unknown, timeout_ms = TIMEOUT_MS): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (method !== 'GET' && csrf) headers['X-CSRF-Token'] = csrf;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      credentials: 'same-origin',
      signal: AbortSignal.timeout(timeout_ms),
    });
  } catch {
    throw new Problem(0, 'unreachable', '');
  }
  if (!response.ok) throw await problemOf(response);
  if (response.status === 204) return undefined as T;
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text();
  try {
    const body = JSON.parse(text) as Record<string, string>;
    return new Problem(response.status, body.code ?? '', body.detail ?? body.title ?? '', body.mend ?? '', body.where ?? '');
  } catch {
    return new Problem(response.status, 'error', response.statusText);
  }
}

const id = encodeURIComponent;
const get = <T>(path: string, timeout_ms?: number) => call<T>('GET', path, undefined, timeout_ms);
const post = <T = void>(path: string, body: unknown = {}) => call<T>('POST', path, body);

/** For pages with types of their own. */
export const ask = { get, post: <T = void>(path: string, body: unknown = {}, timeout_ms?: number) => call<T>('POST', path, body, timeout_ms), remove: (path: string) => call<void>('DELETE', path) };

export const api = {
  site: (timeout_ms?: number) => get<Site>('/api/site', timeout_ms),
  async session(): Promise<Session> {
    const session = await get<Session>('/api/session');
    csrf = session.csrf;
    return session;
  },
  signIn: (login: string, password: string) => post('/api/session', { login, password }),
  signInByLink: (token: string) => post('/api/session/link', { token }),
  signOut: () => call<void>('DELETE', '/api/session'),
  setPassword: (password: string) => post('/api/session/password', { password }),
  continueAs: (login: string) => post('/api/exercise/person', { login }),

  map: async () => readMap(await get<RawMap>('/api/map')),
  state: (timeout_ms?: number) => get<Snapshot>('/api/state', timeout_ms),
  observations: (series: string, from_us: number, to_us: number) =>
    get<Observed>(`/api/gauges/${id(series)}/observations?from_us=${from_us}&to_us=${to_us}`),
  forecasts: (series: string, from_us: number, to_us: number) =>
    get<Forecast[]>(`/api/gauges/${id(series)}/forecasts?from_us=${from_us}&to_us=${to_us}`),
  readings: (at_us: number) => get<Reading[]>(`/api/readings?at_us=${at_us}`),
  evidence: (datastream_id: number, until_us: number, span_h: number) =>
    get<StreamEvidence>(`/api/evidence?datastream=${datastream_id}&until_us=${Math.round(until_us)}&span_h=${span_h}`),
  sensorHealth: (property: string) => get<SensorHealth>(`/api/sensors/health?property=${id(property)}`),
  trace: (fact_id: string) => get<Trace>(`/api/trace/${id(fact_id)}`),

  alarms: () => get<AlarmList>('/api/alarms'),
  alarmsOfRow: (row_id: string, skip: number, top: number) => get<{ alarms: Alarm[]; count: number }>(`/api/alarm-rows/${id(row_id)}?skip=${skip}&top=${top}`),
  alarmLoad: () => get<AlarmLoad>('/api/alarm-load'),
  acknowledge: (alarm_id: string) => post(`/api/alarms/${id(alarm_id)}/acknowledge`),
  shelve: (alarm_id: string, minutes: number, reason: string) => post(`/api/alarms/${id(alarm_id)}/shelve`, { minutes, reason }),
  unshelve: (alarm_id: string) => post(`/api/alarms/${id(alarm_id)}/unshelve`),
  acknowledgeRow: (row_id: string) => post(`/api/alarm-rows/${id(row_id)}/acknowledge`),
  remove: (alarm_id: string, reason: string) => post(`/api/alarms/${id(alarm_id)}/remove`, { reason }),
  restore: (alarm_id: string) => post(`/api/alarms/${id(alarm_id)}/restore`),
  take: (incident_id: string) => post(`/api/incidents/${id(incident_id)}/take`),
  close: (incident_id: string, reason: string) => post(`/api/incidents/${id(incident_id)}/close`, { reason }),
  draft: (incident_id: string) => post<{ alert_id: string }>(`/api/incidents/${id(incident_id)}/draft`),

  alert: (alert_id: string) => get<AlertDetail>(`/api/alerts/${id(alert_id)}`),
  edit: (alert_id: string, texts: AlertText[], content_hash: string) =>
    post<{ content_hash: string }>(`/api/alerts/${id(alert_id)}/edit`, { texts, content_hash }),
  submit: (alert_id: string, content_hash: string) => post(`/api/alerts/${id(alert_id)}/submit`, { content_hash }),
  approve: (alert_id: string, content_hash: string, typed: string) =>
    post(`/api/alerts/${id(alert_id)}/approve`, { content_hash, typed }),
  reject: (alert_id: string, reason: string, content_hash: string) => post(`/api/alerts/${id(alert_id)}/reject`, { reason, content_hash }),
  cancel: (alert_id: string, reason: string) => post<{ alert_id?: string } | undefined>(`/api/alerts/${id(alert_id)}/cancel`, { reason }),
  update: (alert_id: string) => post<{ alert_id?: string } | undefined>(`/api/alerts/${id(alert_id)}/update`, { reason: '' }),

  replay: (action: 'pause' | 'resume' | 'step' | 'speed', speed?: number) =>
    post<Replay>('/api/replay', speed === undefined ? { action } : { action, speed }),
};
