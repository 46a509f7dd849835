// SPDX-License-Identifier: Apache-2.0
// The shapes the server speaks in: facts of the domain and the snapshot, with the server's field names.
import type { AlarmState } from './alarm-life';

export type Language = 'ko' | 'en';
export type Words = Record<Language, string>;
export type Role = 'viewer' | 'operator' | 'approver' | 'administrator';
export type Mode = 'live' | 'exercise';

/** QARTOD flags: 1 pass, 2 not evaluated, 3 suspect, 4 fail, 9 missing. */
export type Flag = 1 | 2 | 3 | 4 | 9;
/** 0 calm, 1 관심, 2 주의, 3 경계, 4 심각. */
export type CrisisLevel = 0 | 1 | 2 | 3 | 4;

export interface Person {
  id: string | number;
  login: string;
  name: string;
  role: Role;
}

export interface City {
  id: string;
  name: Words;
  time_zone: string;
  languages: string[];
}

export type Permission = 'read' | 'acknowledge' | 'take_incident' | 'draft' | 'submit' | 'approve' | 'cancel' | 'replay' | 'administer' | 'switch_exercise_person' | 'set_threshold' | 'check' | 'sign_on_site' | 'see_who_is_on_site' | 'compute_floods';

/** What may be known before anyone has signed in. */
export interface Site {
  mode: Mode;
  city: City;
}

export interface Session {
  person: Person;
  permissions: (Permission | string)[];
  organisation: { id: string | number; name: string };
  mode: Mode;
  csrf: string;
  city: City;
  exercise_people: { login: string; name: string; role: Role }[];
}

export interface Level {
  id: string;
  name: Words;
  limit: number;
  crisis_level: CrisisLevel;
  source: string;
  confirmed: boolean;
}

export interface Gauge {
  series: string;
  name: Words;
  longitude: number;
  latitude: number;
  unit: string;
  levels: Level[];
}

export interface Reach {
  id: string;
  name: Words;
  series: string;
  towns: string[];
}

export interface TownProperties {
  code: string;
  name_ko: string;
  name_en: string;
  people: number;
  over_65: number;
  under_7: number;
}

type Features<G extends GeoJSON.Geometry, P> = GeoJSON.FeatureCollection<G, P>;

export interface CityMap {
  towns: Features<GeoJSON.Polygon | GeoJSON.MultiPolygon, TownProperties>;
  coast: Features<GeoJSON.Geometry, GeoJSON.GeoJsonProperties>;
  river: Features<GeoJSON.Geometry, GeoJSON.GeoJsonProperties>;
  gauges: Gauge[];
  reaches: Reach[];
}

export interface Replay {
  scenario: string;
  title: Words;
  start_us: number;
  end_us: number;
  speed: number;
  paused: boolean;
  /** Why it stands still, when the server stopped it; empty when a person did. */
  why?: string;
  ended?: boolean;
}

export interface Clock {
  now_us: number;
  mode: Mode;
  simulated: boolean;
  replay: Replay | null;
}

export interface Health {
  live: boolean;
  ready: boolean;
  degraded: { part: string; why: string }[];
}

export interface Reading {
  series: string;
  datastream_id?: number;
  /** Null when nothing has come yet. */
  time_us: number | null;
  value: number | null;
  flag: Flag;
  period_s: number;
  stale: boolean;
}

export interface ObservedRow {
  series: string;
  time_us: number;
  value: number | null;
  flag: Flag;
}

export interface Alarm {
  alarm_id: string;
  fact_id?: string;
  cause: 'level' | 'silence' | 'fault' | 'threshold';
  state: AlarmState;
  series: string;
  rule: string;
  priority: 'high' | 'medium' | 'low' | string;
  crisis_level: CrisisLevel;
  since_us: number;
  value: number | null;
  limit: number | null;
  by: string;
  reason?: string;
  /** Until when it is put aside. */
  until_us?: number | null;
  /** The row of the list it stands in, with others of the same cause. */
  row?: string | null;
  /** How often it was raised, an hour between at most. */
  times?: number;
  /** What it says was last done: `escalated` when nobody has seen it for long. */
  step?: string;
  /** Series of the neighbours that speak for a level, each by itself. */
  witnesses?: string[];
}

/** Alarms of one cause: `kind` is what makes them one. */
export interface AlarmRow {
  row_id: string;
  kind: 'gauge' | 'site' | 'reach' | 'together' | 'event' | 'flood';
  begun_us: number | null;
  since_us: number;
  crisis_level: CrisisLevel;
  priority: string;
  times: number;
  gauges: number;
  alarms: number;
  states: Partial<Record<AlarmState, number>>;
}

/** How much the operator is asked to bear: rows told, against EEMUA 191. */
export interface AlarmLoad {
  state: 'calm' | 'busy' | 'flood';
  ten_minutes: number;
  hour: number;
  day: number;
  peak: number;
  flood_percent: number;
  standing: number;
  stale: number;
  raised: number;
  actors: { series: string; rule: string; raised: number }[];
}

export interface AlarmList {
  alarms: Alarm[];
  alarms_open: Partial<Record<AlarmState, number>>;
  alarm_rows: AlarmRow[];
}

/** A stream that is unlike its own past: no alarm, but worth a look. */
export interface Detection {
  id: string;
  about_us: number;
  recorded_us: number;
  datastream_id: number;
  name: string;
  series: string;
  value: number;
  p: number;
}

/** A model that is not heard at present; levels alarm without it. */
export interface ModelState {
  hazard: string;
  series: string;
  model: string;
  step: 'off' | 'on' | 'removed';
  cause: 'missing' | 'failed' | 'unsound' | 'slow' | 'narrow';
  reason: string;
  since_us: number;
}

export interface Incident {
  incident_id: string;
  fact_id?: string;
  state: string;
  hazard: string;
  series: string;
  level: string;
  crisis_level: CrisisLevel;
  opened_us: number;
  probability: number | null;
  by: string;
}

export type AlertState =
  | 'drafted'
  | 'submitted'
  | 'approved'
  | 'published'
  | 'cancelled'
  | 'superseded'
  | 'rejected'
  | 'expired';

export interface Alert {
  alert_id: string;
  fact_id?: string;
  incident_id: string;
  state: AlertState;
  content_hash: string;
  kind: string;
  level: string;
  crisis_level: CrisisLevel;
  status: string;
  people: number;
  area_km2: number;
  towns: string[];
  identifier: string;
  author: string | null;
  approver: string | null;
  sent_us: number | null;
  expires_us: number | null;
}

export interface Crossing {
  level: string;
  limit: number;
  crisis_level: CrisisLevel;
  lead_s: number[];
  probability: number[];
}

export interface Forecast {
  hazard: string;
  model: string;
  series: string;
  issued_us: number;
  /** When it was written down; a snapshot does not say. */
  recorded_us?: number;
  lead_s: number[];
  quantile: number[];
  value: number[][];
  crossings: Crossing[];
  used: string[];
  missing: string[];
  degraded: boolean;
  maturity: string;
}

export interface TownImpact {
  code: string;
  people: number;
  over_65: number;
  under_7: number;
}

export interface Impact {
  hazard: string;
  series: string;
  level: string;
  reach: string;
  towns: TownImpact[];
  people: number;
  over_65: number;
  under_7: number;
  area_km2: number;
}

export interface AlertText {
  language: string;
  event: string;
  headline: string;
  description: string;
  instruction: string;
  area: string;
}

export interface AlertContent {
  identifier: string;
  status: string;
  kind: string;
  hazard: string;
  series: string;
  level: string;
  crisis_level: CrisisLevel;
  urgency: string;
  severity: string;
  certainty: string;
  onset_us: number;
  expires_us: number;
  sender: string;
  sender_name: string;
  texts: AlertText[];
  towns: string[];
  polygons: [number, number][][];
  people: number;
  area_km2: number;
  references: string[];
}

export interface Finding {
  code: string;
  severity: 'error' | 'warning';
  where: string;
  message: Words;
  mend: Words;
}

export interface AlertHistoryStep {
  step: string;
  by: string;
  reason: string;
  content_hash: string;
  recorded_us?: number;
}

export interface AlertDetail extends Alert {
  content: AlertContent;
  findings: Finding[];
  /** `words`: any one of them, typed, confirms: the place in each language, the head-count. */
  confirm: { sentence: Words; words: string[] };
  history: AlertHistoryStep[];
  cap_url: string | null;
  previous_content: AlertContent | null;
}

export interface Snapshot {
  seq: number;
  clock: Clock;
  health: Health;
  gauges: Reading[];
  alarms: Alarm[];
  /** How many there are in all, by state: the list holds the 500 most pressing. */
  alarms_open: Partial<Record<AlarmState, number>>;
  alarm_rows: AlarmRow[];
  /** Of the last day, the newest first. */
  unusual: Detection[];
  incidents: Incident[];
  alerts: Alert[];
  forecasts: Record<string, Forecast>;
  impacts: Record<string, Impact>;
  /** Absent from a server of the release before. */
  models_off?: ModelState[];
}

export interface Observed {
  time_us: number[];
  value: (number | null)[];
  flag: Flag[];
}

export interface Trace {
  facts: Omit<Fact, 'seq'>[];
  observations: ObservedRow[];
}

/** One step of an alarm, incident or alert as it stands in a fact's body. */
export interface AlarmStep {
  alarm_id: string;
  cause: Alarm['cause'];
  step:
    | 'raised'
    | 'escalated'
    | 'suppressed'
    | 'unsuppressed'
    | 'downgraded'
    | 'cleared'
    | 'withdrawn'
    | 'lapsed'
    | 'acknowledged'
    | 'shelved'
    | 'unshelved'
    | 'removed'
    | 'restored';
  series: string;
  rule: string;
  priority: string;
  crisis_level: CrisisLevel;
  since_us: number;
  value: number | null;
  limit: number | null;
  by: string;
  reason?: string;
  until_us?: number | null;
  row?: string | null;
  times?: number;
}

export interface IncidentStep {
  incident_id: string;
  step: 'opened' | 'escalated' | 'eased' | 'closed' | 'taken';
  hazard: string;
  series: string;
  level: string;
  crisis_level: CrisisLevel;
  opened_us: number;
  probability: number | null;
  by: string;
}

export interface AlertStep {
  alert_id: string;
  incident_id: string;
  step: string;
  content_hash: string;
  content: AlertContent | null;
  by: string;
  reason: string;
}

interface FactOf<K extends string, B> {
  id?: string;
  seq: number;
  kind: K;
  about_us: number;
  recorded_us: number;
  body: B;
}

export type Fact =
  | FactOf<'alarm', AlarmStep>
  | FactOf<'incident', IncidentStep>
  | FactOf<'alert', AlertStep>
  | FactOf<'forecast', Forecast>
  | FactOf<'impact', Impact>
  | FactOf<'model', ModelState>
  | FactOf<'detection', Omit<Detection, 'id' | 'about_us' | 'recorded_us'>>;

export type ServerEvent =
  | { type: 'observations'; rows: ObservedRow[] }
  | { type: 'fact'; fact: Fact }
  | { type: 'clock'; clock: Clock }
  | { type: 'health'; health: Health };
