// SPDX-License-Identifier: Apache-2.0
// What needs eyes, in order of need: decisions first, then what grows, then what is out. Pure.
import { aside, outOfService, unseen } from './alarm-life';
import type { Alarm, AlarmRow, Alert, AlertHistoryStep, Incident, Permission, Person, Session } from './facts';

export type Item =
  | { kind: 'alert'; id: string; alert: Alert }
  /** One row: the root, the others of it that are known, and what the server counts in it. */
  | { kind: 'alarm'; id: string; alarm: Alarm; also: Alarm[]; row: AlarmRow | null }
  | { kind: 'incident'; id: string; incident: Incident };

export type Group = 'decide' | 'going' | 'out' | 'shelved' | 'removed';

export interface Needs {
  decide: Item[];
  going: Item[];
  out: Item[];
  /** Put aside for a while, the first to come back first. */
  shelved: Item[];
  /** Out of service until a person brings it back. */
  removed: Item[];
}

/** Rows of a list drawn at once. */
export const PAGE = 30;

/** Where the page begins that holds row `from`, in a list of `all` rows; the last page when the list has shrunk. */
export const pageAt = (from: number, all: number): number => Math.floor(Math.max(0, Math.min(from, all - 1)) / PAGE) * PAGE;

/** Whether the policy allows a session something; the server decides again. */
export const may = (session: Session | null, permission: Permission): boolean => !!session?.permissions.includes(permission);

/** Whether this person is barred from approving because their words are in it. */
export function isAuthor(detail: { author: string | null; history: AlertHistoryStep[] }, person: Person): boolean {
  const wrote = detail.history.filter((step) => ['drafted', 'edited', 'submitted'].includes(step.step)).map((step) => step.by);
  return [...wrote, ...(detail.author ?? '').split(', ')].includes(person.login);
}

/** Sorts everything open at an instant into groups, the most pressing first. */
export function needs(
  world: { alarms: Alarm[]; rows?: AlarmRow[]; incidents: Incident[]; alerts: Alert[] },
  at_us: number,
): Needs {
  const decide: [number[], Item][] = [];
  const going: [number[], Item][] = [];
  const out: [number[], Item][] = [];
  const shelved: [number[], Item][] = [];
  const removed: [number[], Item][] = [];
  for (const alert of world.alerts) {
    const item: Item = { kind: 'alert', id: alert.alert_id, alert };
    if (alert.state === 'submitted' || alert.state === 'approved') decide.push([[0, -alert.crisis_level], item]);
    else if (alert.state === 'drafted') decide.push([[1, -alert.crisis_level, 0], item]);
    else if (alert.state === 'published' && alert.kind !== 'Cancel' && (alert.sent_us ?? 0) <= at_us) out.push([[-alert.crisis_level, -(alert.sent_us ?? 0)], item]);
  }
  const counted = new Map(world.rows?.map((row) => [row.row_id, row]));
  for (const [alarm, ...also] of grouped(world.alarms.filter((one) => one.since_us <= at_us))) {
    const item: Item = { kind: 'alarm', id: alarm!.alarm_id, alarm: alarm!, also, row: counted.get(alarm!.row ?? '') ?? null };
    if (outOfService(alarm!.state)) removed.push([[alarm!.since_us], item]);
    else if (alarm!.state === 'shelved') shelved.push([[alarm!.until_us ?? 0], item]);
    else if (waiting(item)) decide.push([[1, -weight(alarm!), 2, alarm!.since_us], item]);
    else going.push([[1, -weight(alarm!), alarm!.since_us], item]);
  }
  for (const incident of world.incidents) {
    if (incident.opened_us > at_us) continue;
    const item: Item = { kind: 'incident', id: incident.incident_id, incident };
    if (incident.by) going.push([[0, -incident.crisis_level, incident.opened_us], item]);
    else decide.push([[1, -incident.crisis_level, 1, incident.opened_us], item]);
  }
  return { decide: sorted(decide), going: sorted(going), out: sorted(out), shelved: sorted(shelved), removed: sorted(removed) };
}

/** Whether somebody still has to look at a row: at one of those known, or of those the server counts. */
const waiting = ({ alarm, also, row }: Extract<Item, { kind: 'alarm' }>): boolean =>
  [alarm, ...also].some((one) => unseen(one.state)) || (!!row && (row.states.raised ?? 0) + (row.states.returned ?? 0) > 0);

/** Alarms of one row stand together, the root first; what was put aside stands by itself. */
function grouped(alarms: Alarm[]): Alarm[][] {
  const groups = new Map<string, Alarm[]>();
  for (const alarm of alarms) {
    const key = aside(alarm.state) ? alarm.alarm_id : (alarm.row ?? (alarm.cause === 'level' ? alarm.series : alarm.alarm_id));
    const group = groups.get(key);
    if (group) group.push(alarm);
    else groups.set(key, [alarm]);
  }
  return [...groups.values()].map((group) => group.sort(rootFirst));
}

/** What stands in front before what is behind it or over; then the graver, then the older. */
function rootFirst(a: Alarm, b: Alarm): number {
  const behind = ({ state }: Alarm) => (state === 'suppressed' ? 2 : state === 'returned' ? 1 : 0);
  return behind(a) - behind(b) || weight(b) - weight(a) || a.since_us - b.since_us || a.alarm_id.localeCompare(b.alarm_id);
}

/** Silence and faults have no crisis level of their own, but blind us: they weigh like 주의. */
function weight(alarm: Alarm): number {
  return alarm.cause === 'level' ? alarm.crisis_level : Math.max(2, alarm.crisis_level);
}

function sorted(rows: [number[], Item][]): Item[] {
  return rows.sort(([a], [b]) => compare(a, b)).map(([, item]) => item);
}

function compare(a: number[], b: number[]): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return (a[i] ?? 0) - (b[i] ?? 0);
  return 0;
}
