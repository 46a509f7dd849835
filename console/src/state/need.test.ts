// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import type { Alarm, AlarmRow, Alert, Incident, Person } from './facts';
import { isAuthor, needs, pageAt } from './need';

const alarm = (id: string, extra: Partial<Alarm> = {}): Alarm => ({ alarm_id: id, cause: 'level', state: 'raised', series: 's', rule: '', priority: 'medium', crisis_level: 2, since_us: 10, value: 1, limit: 1, by: '', ...extra });
const incident = (id: string, extra: Partial<Incident> = {}): Incident => ({ incident_id: id, state: 'opened', hazard: 'river', series: 's', level: 'l', crisis_level: 2, opened_us: 10, probability: 1, by: '', ...extra });
const alert = (id: string, extra: Partial<Alert> = {}): Alert => ({ alert_id: id, incident_id: 'i', state: 'drafted', content_hash: '', kind: 'Alert', level: 'l', crisis_level: 2, status: 'Exercise', people: 1, area_km2: 1, towns: [], identifier: '', author: null, approver: null, sent_us: null, expires_us: null, ...extra });
const ids = (items: { id: string }[]) => items.map((item) => item.id);

test('a warning that waits for approval comes first, then the more serious level', () => {
  const { decide } = needs({ alarms: [alarm('red', { crisis_level: 4 }), alarm('blue', { crisis_level: 1, series: 't' })], incidents: [incident('i')], alerts: [alert('draft'), alert('waiting', { state: 'submitted', crisis_level: 1 })] }, 100);
  expect(ids(decide)).toEqual(['waiting', 'red', 'draft', 'i', 'blue']);
});

test('what somebody has in hand is no longer among the decisions', () => {
  const found = needs({ alarms: [alarm('seen', { state: 'acknowledged', by: 'kim' })], incidents: [incident('i', { by: 'kim' })], alerts: [] }, 100);
  expect(found.decide).toEqual([]);
  expect(ids(found.going)).toEqual(['i', 'seen']);
});

test('levels of one gauge stand in one row, the highest first', () => {
  const { decide } = needs({ alarms: [alarm('low', { crisis_level: 1 }), alarm('high', { crisis_level: 3 }), alarm('other', { series: 't' })], incidents: [], alerts: [] }, 100);
  expect(ids(decide)).toEqual(['high', 'other']);
  expect(decide[0]).toMatchObject({ also: [{ alarm_id: 'low' }] });
});

test('silence weighs like a caution, though it has no level of its own', () => {
  const { decide } = needs({ alarms: [alarm('blue', { crisis_level: 1 }), alarm('quiet', { cause: 'silence', crisis_level: 0 })], incidents: [], alerts: [] }, 100);
  expect(ids(decide)).toEqual(['quiet', 'blue']);
});

test('what began later than the instant shown is not shown', () => {
  expect(needs({ alarms: [alarm('a')], incidents: [incident('i')], alerts: [] }, 5)).toEqual({ decide: [], going: [], out: [], shelved: [], removed: [] });
});

test('warnings in force are listed apart, withdrawn ones not at all', () => {
  const { decide, out } = needs({ alarms: [], incidents: [], alerts: [alert('out', { state: 'published', sent_us: 5 }), alert('old', { state: 'superseded' }), alert('cancel', { state: 'published', kind: 'Cancel', sent_us: 6 })] }, 100);
  expect([ids(decide), ids(out)]).toEqual([[], ['out']]);
});

test('whoever wrote, edited or submitted a warning counts as its author', () => {
  const kim: Person = { id: 1, login: 'kim', name: 'Kim', role: 'approver' };
  const step = { step: 'edited', by: 'kim', reason: '', content_hash: '' };
  expect(isAuthor({ author: null, history: [step] }, kim)).toBe(true);
  expect(isAuthor({ author: 'kim, lee', history: [] }, kim)).toBe(true);
  expect(isAuthor({ author: 'lee', history: [{ ...step, step: 'approved' }] }, kim)).toBe(false);
});

test('a page begins at a whole page, and goes back when the list has shrunk below it', () => {
  expect([pageAt(0, 500), pageAt(45, 500), pageAt(480, 500), pageAt(480, 100), pageAt(30, 0)]).toEqual([0, 30, 480, 90, 0]);
});

test('what was put aside stands apart, the first to come back first', () => {
  const found = needs({ alarms: [alarm('later', { state: 'shelved', until_us: 90 }), alarm('sooner', { state: 'shelved', until_us: 50, series: 't' }), alarm('new', { series: 'u' })], incidents: [], alerts: [] }, 20);
  expect(ids(found.shelved)).toEqual(['sooner', 'later']);
  expect(ids(found.decide)).toEqual(['new']);
});

test('alarms of one row stand together whatever their gauge, the gravest in front first', () => {
  const { decide } = needs({ alarms: [alarm('blue', { crisis_level: 1, row: 'r' }), alarm('red', { crisis_level: 4, row: 'r', series: 't' }), alarm('hidden', { crisis_level: 4, state: 'suppressed', row: 'r', series: 'u' })], incidents: [], alerts: [] }, 100);
  expect(ids(decide)).toEqual(['red']);
  expect(decide[0]).toMatchObject({ also: [{ alarm_id: 'blue' }, { alarm_id: 'hidden' }] });
});

test('what is over but was not seen asks to be seen, and a row asks as long as the server counts one that was not', () => {
  const row: AlarmRow = { row_id: 'r', kind: 'event', begun_us: 1, since_us: 1, crisis_level: 2, priority: 'medium', times: 700, gauges: 700, alarms: 700, states: { raised: 699, acknowledged: 1 } };
  const found = needs({ alarms: [alarm('over', { state: 'returned' }), alarm('seen', { state: 'acknowledged', row: 'r', series: 't' })], rows: [row], incidents: [], alerts: [] }, 100);
  expect(ids(found.decide).sort()).toEqual(['over', 'seen']);
});

test('what is out of service stands apart, one by one, in its row no longer', () => {
  const found = needs({ alarms: [alarm('out', { state: 'out_of_service', row: 'r' }), alarm('calm', { state: 'out_of_service_calm', row: 'r', since_us: 5 }), alarm('new', { row: 'r' })], incidents: [], alerts: [] }, 100);
  expect([ids(found.removed), ids(found.decide)]).toEqual([['calm', 'out'], ['new']]);
});
