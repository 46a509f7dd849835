// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import type { AlarmStep, AlertContent, AlertStep, Fact, Forecast, IncidentStep, Snapshot } from './facts';
import { fold, fromSnapshot, KEEP_US, mergeObserved, withForecasts, withObserved, withoutPast } from './fold';

const NOW = 1_475_636_400_000_000; // 2016-10-05 12:00 in Korea
const MINUTE = 60e6;

const snapshot: Snapshot = {
  seq: 10,
  clock: { now_us: NOW, mode: 'exercise', simulated: true, replay: null },
  health: { live: true, ready: true, degraded: [] },
  gauges: [{ series: 'stage_m', time_us: NOW - MINUTE, value: 2, flag: 1, period_s: 600, stale: true }],
  alarms: [],
  alarms_open: {},
  alarm_rows: [],
  unusual: [],
  incidents: [],
  alerts: [],
  forecasts: {},
  impacts: {},
};
const world = fromSnapshot(snapshot, null);
const looked = withObserved(world, 'stage_m', { time_us: [], value: [], flag: [] });

const alarm = (step: AlarmStep['step'], extra: Partial<AlarmStep> = {}): AlarmStep => ({
  alarm_id: 'a', cause: 'level', step, series: 'stage_m', rule: 'advisory', priority: 'medium', crisis_level: 2, since_us: NOW, value: 4.6, limit: 4.5, by: '', ...extra,
});
const incident = (step: IncidentStep['step'], extra: Partial<IncidentStep> = {}): IncidentStep => ({
  incident_id: 'i', step, hazard: 'river', series: 'stage_m', level: 'advisory', crisis_level: 2, opened_us: NOW, probability: 0.8, by: '', ...extra,
});
const content = { kind: 'Alert', level: 'advisory', crisis_level: 2, status: 'Exercise', people: 5, area_km2: 1, towns: ['t'], identifier: 'x', expires_us: NOW + 1 } as AlertContent;
const alert = (step: string, extra: Partial<AlertStep> = {}): AlertStep => ({ alert_id: 'w', incident_id: 'i', step, content_hash: 'h', content: null, by: '', reason: '', ...extra });
const forecast = (issued_us: number): Forecast => ({ hazard: 'river', model: 'm', series: 'stage_m', issued_us, lead_s: [3600], quantile: [0.5], value: [[3]], crossings: [], used: [], missing: [], degraded: false, maturity: 'advisory' });
const fact = (seq: number, kind: Fact['kind'], body: unknown) => ({ type: 'fact', fact: { id: `f${seq}`, seq, kind, about_us: NOW, recorded_us: NOW, body } as Fact }) as const;

describe('models', () => {
  const off = { hazard: 'river', series: 'stage_m', model: 'm', step: 'off', cause: 'failed', reason: 'r', since_us: NOW };
  test('a model stands in the list while it is off, once, and a snapshot of a server that does not say has none', () => {
    expect(world.models_off).toEqual([]);
    const first = fold(world, fact(11, 'model', off));
    const other = fold(first, fact(12, 'model', { ...off, cause: 'unsound' }));
    expect(other.models_off.map(({ cause }) => cause)).toEqual(['unsound']);
    const elsewhere = fold(other, fact(13, 'model', { ...off, series: 'other_m' }));
    expect(fold(elsewhere, fact(14, 'model', { ...off, step: 'on' })).models_off.map(({ series }) => series)).toEqual(['other_m']);
  });
});

describe('observations', () => {
  test('a newer observation becomes the reading and is no longer stale', () => {
    const rows = [{ series: 'stage_m', time_us: NOW, value: 2.5, flag: 1 as const }];
    const next = fold(looked, { type: 'observations', rows });
    expect(next.readings['stage_m']).toMatchObject({ value: 2.5, time_us: NOW, stale: false });
    expect(next.history['stage_m']?.value).toEqual([2.5]);
  });

  test('the past of a gauge nobody looks at is not kept', () => {
    const rows = [{ series: 'stage_m', time_us: NOW, value: 2.5, flag: 1 as const }];
    expect(fold(world, { type: 'observations', rows }).history).toEqual({});
    expect(withoutPast(fold(looked, { type: 'observations', rows }), ['stage_m']).history).toEqual({});
  });

  test('a late observation joins the past in order but does not replace the reading', () => {
    const first = fold(looked, { type: 'observations', rows: [{ series: 'stage_m', time_us: NOW, value: 2.5, flag: 1 }] });
    const late = fold(first, { type: 'observations', rows: [{ series: 'stage_m', time_us: NOW - 30 * MINUTE, value: 1.9, flag: 1 }] });
    expect(late.readings['stage_m']?.value).toBe(2.5);
    expect(late.history['stage_m']?.value).toEqual([1.9, 2.5]);
  });

  test('the same instant sent twice is kept once, with the later value and flag', () => {
    const merged = mergeObserved({ time_us: [1, 2], value: [1, 2], flag: [2, 2] }, { time_us: [2, 3], value: [9, 3], flag: [4, 1] }, 0);
    expect(merged).toEqual({ time_us: [1, 2, 3], value: [1, 9, 3], flag: [2, 4, 1] });
  });

  test('the past is bounded', () => {
    const next = withObserved(world, 'stage_m', { time_us: [NOW - KEEP_US - 1, NOW - KEEP_US, NOW], value: [1, 2, 3], flag: [1, 1, 1] });
    expect(next.history['stage_m']?.value).toEqual([2, 3]);
  });

  test('folding never changes the picture it started from', () => {
    const before = structuredClone(world);
    fold(world, { type: 'observations', rows: [{ series: 'stage_m', time_us: NOW, value: 2.5, flag: 1 }] });
    fold(world, fact(11, 'alarm', alarm('raised')));
    expect(world).toEqual(before);
  });
});

describe('facts', () => {
  test('a fact that the snapshot already holds is not folded twice', () => {
    expect(fold(world, fact(10, 'alarm', alarm('raised')))).toBe(world);
  });

  test('what is unusual is told, the newest first, and bounded', () => {
    const told = (n: number) => fact(n, 'detection', { datastream_id: 1, name: 'd', series: '', value: n, p: 0.001 });
    expect(fold(fold(world, told(11)), told(12)).unusual.map((one) => one.value)).toEqual([12, 11]);
    let many = world;
    for (let n = 11; n < 80; n += 1) many = fold(many, told(n));
    expect(many.unusual.length).toBe(50);
  });

  test('an alarm is put aside, stays there through later values, and comes back as new', () => {
    const shelved = fold(fold(world, fact(11, 'alarm', alarm('raised'))), fact(12, 'alarm', alarm('shelved', { by: 'kim', until_us: NOW + MINUTE, reason: 'known' })));
    expect(shelved.alarms[0]).toMatchObject({ state: 'shelved', by: 'kim', reason: 'known', until_us: NOW + MINUTE });
    const higher = fold(shelved, fact(13, 'alarm', alarm('raised', { value: 4.9 })));
    expect(higher.alarms[0]).toMatchObject({ state: 'shelved', by: 'kim', until_us: NOW + MINUTE, value: 4.9 });
    expect(fold(higher, fact(14, 'alarm', alarm('unshelved'))).alarms[0]).toMatchObject({ state: 'raised', by: '' });
    expect(fold(shelved, fact(13, 'alarm', alarm('cleared'))).alarms).toEqual([]);
  });

  test('an alarm nobody has seen stays when it is over, until it is seen', () => {
    const over = fold(fold(world, fact(11, 'alarm', alarm('raised'))), fact(12, 'alarm', alarm('cleared')));
    expect(over.alarms).toMatchObject([{ state: 'returned' }]);
    expect(fold(over, fact(13, 'alarm', alarm('acknowledged', { by: 'kim' }))).alarms).toEqual([]);
  });

  test('an alarm is taken out of service, stays listed when its condition is over, and is brought back', () => {
    const out = fold(fold(world, fact(11, 'alarm', alarm('raised'))), fact(12, 'alarm', alarm('removed', { by: 'kim', reason: 'replaced' })));
    expect(out.alarms).toMatchObject([{ state: 'out_of_service', reason: 'replaced' }]);
    const calm = fold(out, fact(13, 'alarm', alarm('cleared', { by: 'kim', reason: 'replaced' })));
    expect(calm.alarms).toMatchObject([{ state: 'out_of_service_calm', by: 'kim' }]);
    expect(fold(calm, fact(14, 'alarm', alarm('restored'))).alarms).toEqual([]);
  });

  test('an alarm is raised, acknowledged by somebody, and cleared', () => {
    const raised = fold(world, fact(11, 'alarm', alarm('raised')));
    expect(raised.alarms).toMatchObject([{ state: 'raised', fact_id: 'f11' }]);
    const seen = fold(raised, fact(12, 'alarm', alarm('acknowledged', { by: 'kim' })));
    expect(seen.alarms).toMatchObject([{ state: 'acknowledged', by: 'kim', fact_id: 'f11' }]);
    expect(fold(seen, fact(13, 'alarm', alarm('cleared'))).alarms).toEqual([]);
    expect(fold(seen, fact(13, 'alarm', alarm('withdrawn'))).alarms).toEqual([]);
  });

  test('a later value of an acknowledged alarm keeps it acknowledged, unless it is more serious', () => {
    const seen = fold(world, fact(11, 'alarm', alarm('acknowledged', { by: 'kim' })));
    expect(fold(seen, fact(12, 'alarm', alarm('raised', { value: 4.7 }))).alarms[0]).toMatchObject({ state: 'acknowledged', value: 4.7 });
    expect(fold(seen, fact(12, 'alarm', alarm('raised', { crisis_level: 3 }))).alarms[0]).toMatchObject({ state: 'raised' });
  });

  test('an incident that eases keeps who holds it and goes when it is closed', () => {
    const opened = fold(world, fact(11, 'incident', incident('opened')));
    const taken = fold(opened, fact(12, 'incident', incident('taken', { by: 'kim' })));
    const eased = fold(taken, fact(13, 'incident', incident('eased', { probability: null })));
    expect(eased.incidents).toMatchObject([{ by: 'kim', probability: 0.8, state: 'eased' }]);
    expect(fold(eased, fact(14, 'incident', incident('closed'))).incidents).toEqual([]);
  });

  test('closed incidents of a snapshot do not need eyes', () => {
    const one = { ...incident('opened'), state: 'closed' };
    expect(fromSnapshot({ ...snapshot, incidents: [one] }, null).incidents).toEqual([]);
  });

  test('a warning goes from draft to published and remembers author, approver and time', () => {
    const steps = [alert('drafted', { content }), alert('submitted', { by: 'kim' }), alert('approved', { by: 'lee' }), alert('published', { by: 'lee' })];
    const last = steps.reduce((now, step, i) => fold(now, fact(11 + i, 'alert', step)), world);
    expect(last.alerts).toMatchObject([{ state: 'published', author: 'kim', approver: 'lee', sent_us: NOW, people: 5 }]);
  });

  test('a step of a warning that was never seen and carries no content is left for the next snapshot', () => {
    expect(fold(world, fact(11, 'alert', alert('submitted'))).alerts).toEqual([]);
  });

  test('forecasts are kept by time of issue, each once, and the newest stands apart', () => {
    const next = fold(fold(world, fact(11, 'forecast', forecast(NOW - MINUTE))), fact(12, 'forecast', forecast(NOW)));
    expect(next.issued.stage_m!.at(-1)!.recorded_us).toBe(NOW); // so that one made late is not judged
    expect(withForecasts(next, 'stage_m', [forecast(NOW)]).issued['stage_m']?.map((f) => f.issued_us)).toEqual([NOW - MINUTE, NOW]);
    expect(next.forecasts['stage_m']?.issued_us).toBe(NOW);
  });

  test('an unknown kind of fact only moves the sequence on', () => {
    expect(fold(world, fact(11, 'delivery' as Fact['kind'], {}))).toEqual({ ...world, seq: 11 });
  });
});
