// SPDX-License-Identifier: Apache-2.0
// Folds the server's snapshot and events into one picture of the world. Pure: same input, same picture.
import { TABLE, type AlarmState } from './alarm-life';
import type {
  Alarm,
  AlarmList,
  AlarmRow,
  AlarmStep,
  Alert,
  AlertStep,
  Clock,
  Detection,
  Fact,
  Forecast,
  Health,
  Impact,
  Incident,
  IncidentStep,
  ModelState,
  Observed,
  ObservedRow,
  Reading,
  ServerEvent,
  Snapshot,
} from './facts';

/** How much past the console keeps: 31 h, so that a whole day stands beside what was forecast six hours before it. */
export const KEEP_US = 31 * 3600 * 1_000_000;
/** Forecasts kept per series; hourly or ten-minute issues both fit the 31 h. */
const FORECASTS_MAX = 400;
/** Unusual signals kept, as many as a snapshot has. */
const UNUSUAL_MAX = 50;

export interface World {
  seq: number;
  clock: Clock;
  health: Health;
  readings: Record<string, Reading>;
  alarms: Alarm[];
  /** How many alarms were open at the last snapshot, those not in the list too. */
  alarms_open: number;
  /** The rows of the list as the server last counted them. */
  alarm_rows: AlarmRow[];
  unusual: Detection[];
  incidents: Incident[];
  alerts: Alert[];
  forecasts: Record<string, Forecast>;
  impacts: Record<string, Impact>;
  models_off: ModelState[];
  /** The past of the gauges somebody looks at. */
  history: Record<string, Observed>;
  issued: Record<string, Forecast[]>;
  /** What every gauge read at the instant the time line was last moved back to. */
  then: { at_us: number; readings: Record<string, Reading> } | null;
}

/** A fresh picture from a snapshot; the past that was already fetched is kept. */
export function fromSnapshot(snapshot: Snapshot, before: World | null): World {
  let world: World = {
    seq: snapshot.seq,
    clock: snapshot.clock,
    health: snapshot.health,
    readings: bySeries(snapshot.gauges),
    ...alarmsOf(snapshot),
    unusual: snapshot.unusual,
    incidents: snapshot.incidents.filter((incident) => incident.state !== 'closed' && incident.state !== 'dismissed'),
    alerts: snapshot.alerts,
    forecasts: snapshot.forecasts,
    impacts: snapshot.impacts,
    models_off: snapshot.models_off ?? [],
    history: before?.history ?? {},
    issued: before?.issued ?? {},
    then: before?.then ?? null,
  };
  for (const forecast of Object.values(snapshot.forecasts)) world = withForecasts(world, forecast.series, [forecast]);
  return world;
}

const alarmsOf = ({ alarms, alarms_open, alarm_rows }: AlarmList): Pick<World, 'alarms' | 'alarms_open' | 'alarm_rows'> => ({
  alarms,
  alarms_open: Object.values(alarms_open).reduce((sum, n) => sum + n, 0),
  alarm_rows: alarm_rows ?? [],
});

/** The picture with the alarms as the server lists them now. */
export const withAlarms = (world: World, list: AlarmList): World => ({ ...world, ...alarmsOf(list) });

/** The picture after one event. */
export function fold(world: World, event: ServerEvent): World {
  switch (event.type) {
    case 'observations':
      return withRows(world, event.rows);
    case 'clock':
      return { ...world, clock: event.clock };
    case 'health':
      return { ...world, health: event.health };
    case 'fact':
      return event.fact.seq <= world.seq ? world : { ...withFact(world, event.fact), seq: event.fact.seq };
  }
}

/** Adds fetched or live observations of one series, in order of time, each instant once, bounded. */
export function mergeObserved(before: Observed | undefined, added: Observed, oldest_us: number): Observed {
  const rows = new Map<number, [number | null, Observed['flag'][number]]>();
  for (const part of [before, added]) {
    part?.time_us.forEach((time, i) => {
      if (time >= oldest_us) rows.set(time, [part.value[i] ?? null, part.flag[i] ?? 2]);
    });
  }
  const times = [...rows.keys()].sort((a, b) => a - b);
  return {
    time_us: times,
    value: times.map((time) => rows.get(time)![0]),
    flag: times.map((time) => rows.get(time)![1]),
  };
}

/** Adds fetched observations of one series to the kept past. */
export function withObserved(world: World, series: string, added: Observed): World {
  const oldest_us = world.clock.now_us - KEEP_US;
  const merged = mergeObserved(world.history[series], added, oldest_us);
  return { ...world, history: { ...world.history, [series]: merged } };
}

/** Keeps no longer the past of these gauges. */
export function withoutPast(world: World, dropped: string[]): World {
  if (!dropped.length) return world;
  const history = { ...world.history };
  for (const series of dropped) delete history[series];
  return { ...world, history };
}

/** Adds forecasts of one series to those kept, by time of issue, each once. */
export function withForecasts(world: World, series: string, added: Forecast[]): World {
  const byIssue = new Map((world.issued[series] ?? []).map((f) => [f.issued_us, f]));
  for (const forecast of added) byIssue.set(forecast.issued_us, forecast);
  const kept = [...byIssue.values()]
    .filter((f) => f.issued_us >= world.clock.now_us - KEEP_US)
    .sort((a, b) => a.issued_us - b.issued_us)
    .slice(-FORECASTS_MAX);
  return { ...world, issued: { ...world.issued, [series]: kept } };
}

/** Adds what every gauge read at an instant gone by; of such instants one is kept. */
export function withReadingsThen(world: World, at_us: number, readings: Reading[]): World {
  return { ...world, then: { at_us, readings: bySeries(readings) } };
}

const bySeries = (readings: Reading[]): Record<string, Reading> => Object.fromEntries(readings.map((reading) => [reading.series, reading]));

function withRows(world: World, rows: ObservedRow[]): World {
  const readings = { ...world.readings };
  const history = { ...world.history };
  const oldest_us = world.clock.now_us - KEEP_US;
  for (const row of rows) {
    const past = history[row.series];
    const one: Observed = { time_us: [row.time_us], value: [row.value], flag: [row.flag] };
    if (past) history[row.series] = appendOrMerge(past, one, oldest_us);
    const now = readings[row.series];
    if (now && row.time_us >= (now.time_us ?? -Infinity)) readings[row.series] = { ...now, ...row, stale: false };
  }
  return { ...world, readings, history };
}

function appendOrMerge(before: Observed, one: Observed, oldest_us: number): Observed {
  const last = before?.time_us.at(-1);
  if (last === undefined || one.time_us[0]! <= last) return mergeObserved(before, one, oldest_us);
  const from = before.time_us.findIndex((time) => time >= oldest_us);
  const start = from < 0 ? before.time_us.length : from;
  return {
    time_us: [...before.time_us.slice(start), ...one.time_us],
    value: [...before.value.slice(start), ...one.value],
    flag: [...before.flag.slice(start), ...one.flag],
  };
}

function withFact(world: World, fact: Fact): World {
  switch (fact.kind) {
    case 'alarm':
      return { ...world, alarms: withAlarm(world.alarms, fact.body, fact.id) };
    case 'incident':
      return { ...world, incidents: withIncident(world.incidents, fact.body, fact.id) };
    case 'alert':
      return { ...world, alerts: withAlert(world.alerts, fact.body, fact.recorded_us, fact.id) };
    case 'detection': {
      const { id, about_us, recorded_us, body } = fact;
      return { ...world, unusual: [{ id: id ?? `${fact.seq}`, about_us, recorded_us, ...body }, ...world.unusual].slice(0, UNUSUAL_MAX) };
    }
    case 'model':
      return { ...world, models_off: withModel(world.models_off, fact.body) };
    case 'impact':
      return { ...world, impacts: { ...world.impacts, [fact.body.series]: fact.body } };
    case 'forecast': {
      const forecasts = { ...world.forecasts, [fact.body.series]: fact.body };
      return withForecasts({ ...world, forecasts }, fact.body.series, [{ ...fact.body, recorded_us: fact.recorded_us }]);
    }
    default:
      return world; // a kind of fact this version does not know: newer server, nothing to draw
  }
}

function withAlarm(alarms: Alarm[], step: AlarmStep, fact_id?: string): Alarm[] {
  const others = alarms.filter((alarm) => alarm.alarm_id !== step.alarm_id);
  const known = alarms.find((alarm) => alarm.alarm_id === step.alarm_id);
  // A later value of an alarm somebody already has, or has put aside, does not make it new again.
  const held = step.step === 'raised' && known && !TABLE[`${known.state} raised`] && known.crisis_level >= step.crisis_level;
  const state = held ? known.state : stateAfter(known?.state, step.step);
  if (state === undefined) return alarms;
  if (state === 'cleared' || state === 'withdrawn') return others;
  const ofTheGauge = step.step === 'raised' || step.step === 'cleared';
  const kept = held ? { state: known.state, by: known.by, reason: known.reason, until_us: known.until_us } : { state };
  return [...others, { ...known, ...step, ...(fact_id && ofTheGauge ? { fact_id } : {}), ...kept }];
}

/** Of an alarm that is not known the step says enough; of a known one the table. */
function stateAfter(before: AlarmState | undefined, step: AlarmStep['step']): AlarmState | 'cleared' | 'withdrawn' | undefined {
  if (before && step === 'raised') return 'raised';
  if (before && step === 'shelved') return 'shelved';
  if (before) return TABLE[`${before} ${step}`];
  if (step === 'lapsed' || step === 'restored') return undefined;
  return TABLE[`suppressed ${step}`] ?? TABLE[`raised ${step}`] ?? 'raised';
}

function withModel(off: ModelState[], state: ModelState): ModelState[] {
  const others = off.filter(({ hazard, series }) => hazard !== state.hazard || series !== state.series);
  return state.step === 'off' ? [...others, state] : others;
}

function withIncident(incidents: Incident[], step: IncidentStep, fact_id?: string): Incident[] {
  const others = incidents.filter((incident) => incident.incident_id !== step.incident_id);
  if (step.step === 'closed') return others;
  const known = incidents.find((incident) => incident.incident_id === step.incident_id);
  const { step: state, ...rest } = step;
  const id = known?.fact_id ?? fact_id;
  return [
    ...others,
    {
      ...rest,
      state,
      by: step.by || known?.by || '',
      probability: step.probability ?? known?.probability ?? null,
      ...(id ? { fact_id: id } : {}),
    },
  ];
}

const STATE_AFTER: Record<string, Alert['state']> = {
  drafted: 'drafted',
  edited: 'drafted',
  submitted: 'submitted',
  approved: 'approved',
  rejected: 'rejected',
  published: 'published',
  superseded: 'superseded',
  cancelled: 'cancelled',
  expired: 'expired',
};

function withAlert(alerts: Alert[], step: AlertStep, recorded_us: number, fact_id?: string): Alert[] {
  const known = alerts.find((alert) => alert.alert_id === step.alert_id);
  const content = step.content;
  if (!known && !content) return alerts;
  const base: Alert = known ?? {
    alert_id: step.alert_id,
    incident_id: step.incident_id,
    state: 'drafted',
    content_hash: step.content_hash,
    kind: '',
    level: '',
    crisis_level: 0,
    status: '',
    people: 0,
    area_km2: 0,
    towns: [],
    identifier: '',
    author: null,
    approver: null,
    sent_us: null,
    expires_us: null,
  };
  const next: Alert = {
    ...base,
    ...(content ? described(content) : {}),
    ...(fact_id ? { fact_id } : {}),
    state: STATE_AFTER[step.step] ?? base.state,
    content_hash: step.content_hash || base.content_hash,
    author: ['edited', 'submitted'].includes(step.step) && step.by ? step.by : base.author,
    approver: step.step === 'approved' ? step.by : base.approver,
    sent_us: step.step === 'published' ? recorded_us : base.sent_us,
  };
  return [...alerts.filter((alert) => alert.alert_id !== step.alert_id), next];
}

function described(content: NonNullable<AlertStep['content']>): Partial<Alert> {
  const { kind, level, crisis_level, status, people, area_km2, towns, identifier, expires_us } = content;
  return { kind, level, crisis_level, status, people, area_km2, towns, identifier, expires_us };
}
