// SPDX-License-Identifier: Apache-2.0
// The shapes of the evidence and of the sensor-health map, with the server's own field names, and their words.
import type { Flag } from './facts';

export type Member = 'level' | 'rate' | 'forecast' | 'shift' | 'louder' | 'calmer' | 'cusum' | 'page_hinkley' | 'shape' | 'record';
export type Says = 'as_usual' | 'unusual' | 'outside' | 'silent' | 'bad' | 'unknown';
export type Relation = 'thing' | 'upstream' | 'downstream' | 'reservoir' | 'release' | 'tide' | 'river';

interface Stream {
  id: number;
  name: string;
  /** Empty where it is no gauge of the city. */
  series: string;
  unit: string;
  thing: string;
}

type Column = (number | null)[];

export interface Points {
  time_us: number[];
  value: Column;
  low: Column;
  high: Column;
  flag: Flag[];
}

export interface Verdict {
  time_us: number;
  value: number | null;
  expected: number | null;
  low: number | null;
  high: number | null;
  evidence: number | null;
  limit: number | null;
  p: number | null;
  observation_id: number;
  spoke: { member: Member; share: number }[];
}

export interface Witness extends Stream {
  relation: Relation | string;
  says: Says;
  evidence: number | null;
  last_us: number | null;
  points: Points;
}

export interface StreamEvidence {
  stream: Stream;
  model: { name: string; members: string[]; band: [number, number]; per_month: number; watched: boolean };
  history: { observations: number; from_us: number | null; whole: boolean; revised: number; late: number };
  shown: { of: number; points: number };
  points: Points & { expected: Column; evidence: Column; limit: Column; observation_id: number[] };
  now: Verdict | null;
  unusual: Verdict[];
  decided: { fact_id: string; about_us: number; recorded_us: number; same: boolean }[];
  witnesses: Witness[];
  from_us: number;
  until_us: number;
}

export type SensorState = 'heard' | 'late' | 'silent' | 'faulty' | 'shelved' | 'out_of_service' | 'never' | 'unknown';

export interface Sensor {
  /** Null for a gauge of the city that nobody has registered. */
  id: number | null;
  series: string;
  name: string;
  thing: string;
  property: string;
  unit: string;
  place: [number, number] | null;
  state: SensorState;
  last_us: number | null;
  value: number | null;
  period_s: number | null;
}

export interface SensorHealth {
  now_us: number;
  within_m: number;
  property: string;
  properties: string[];
  all: number;
  counts: Record<SensorState, number>;
  sensors: Sensor[];
  towns: { code: string; blind: boolean; nearest: number | null; distance_m: number | null }[];
  blind_reaches: string[];
}

/** Below it a p-value is drawn out beyond what was seen (a histogram of 50,000 at most): it is no count of anything. */
export const BEYOND_P = 1e-4;

export const MEMBERS = {
  level: 'memberLevel',
  rate: 'memberRate',
  forecast: 'memberForecast',
  shift: 'memberShift',
  louder: 'memberLouder',
  calmer: 'memberCalmer',
  cusum: 'memberCusum',
  page_hinkley: 'memberPageHinkley',
  shape: 'memberShape',
  record: 'memberRecord',
} as const;

export const SAYS = {
  as_usual: 'saysUsual',
  unusual: 'saysUnusual',
  outside: 'saysOutside',
  silent: 'saysSilent',
  bad: 'saysBad',
  unknown: 'saysUnknown',
} as const;

export const RELATIONS = {
  thing: 'relationThing',
  upstream: 'relationUpstream',
  downstream: 'relationDownstream',
  reservoir: 'relationReservoir',
  release: 'relationRelease',
  tide: 'relationTide',
  river: 'relationRiver',
} as const;

/** The gravest first, as the table stands. */
export const SENSOR_STATES = {
  never: 'healthNever',
  silent: 'healthSilent',
  faulty: 'healthFaulty',
  out_of_service: 'healthOut',
  unknown: 'healthUnknown',
  shelved: 'healthShelved',
  late: 'healthLate',
  heard: 'healthHeard',
} as const;
