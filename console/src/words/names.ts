// SPDX-License-Identifier: Apache-2.0
// Names of gauges, levels, towns and states in the screen's language.
import type { Alarm, AlarmRow, Alert, AlertContent, Gauge, Incident, Level, ModelState, Role } from '../state/facts';
import { live } from '../state/live.svelte';
import { session } from '../state/session.svelte';
import { names as siteNames } from '../today/names.svelte';
import { clockTime } from './format';
import { t, words } from './speech.svelte';

export function gaugeOf(series: string): Gauge | undefined {
  return live.gauges.get(series);
}

export function gaugeName(series: string): string {
  return words(gaugeOf(series)?.name) || siteNames.series(series);
}

export function levelOf(series: string, id: string): Level | undefined {
  return gaugeOf(series)?.levels.find((level) => level.id === id);
}

export function levelName(series: string, id: string): string {
  return words(levelOf(series, id)?.name) || id;
}

/** The level a rule or alarm speaks of: by its id inside the rule's name, else by its limit. */
export function levelOfRule(series: string, rule: string, limit: number | null): Level | undefined {
  const levels = gaugeOf(series)?.levels ?? [];
  return levels.find((level) => rule.includes(level.id)) ?? levels.find((level) => level.limit === limit);
}

export function townName(code: string): string {
  const town = live.map?.towns.features.find((feature) => feature.properties.code === code)?.properties;
  return words(town && { ko: town.name_ko, en: town.name_en }) || code;
}

export function townNames(codes: string[], shown = 6): string {
  const names = codes.slice(0, shown).map(townName).join(', ');
  return codes.length > shown ? `${names} …` : names;
}

/** A person's name for a login, where it is known. */
export function personName(login: string | null | undefined): string {
  if (!login) return '';
  if (login.includes(', ')) return login.split(', ').map(personName).join(', ');
  const known = [session.now?.person, ...(session.now?.exercise_people ?? [])].find((person) => person?.login === login);
  return known?.name ?? login;
}

/** What an incident is: a level expected, or one that the gauge has reached. */
export function incidentTitle(incident: Incident): string {
  const limit = levelOf(incident.series, incident.level)?.limit;
  const value = live.world?.readings[incident.series]?.value ?? null;
  const reached = limit !== undefined && value !== null && value >= limit;
  return t(reached ? 'incidentReached' : 'incidentRiver', { place: gaugeName(incident.series), level: levelName(incident.series, incident.level) });
}

const STATES = {
  drafted: 'stateDrafted',
  submitted: 'stateSubmitted',
  approved: 'stateApproved',
  published: 'statePublished',
  cancelled: 'stateCancelled',
  superseded: 'stateSuperseded',
  rejected: 'stateRejected',
  expired: 'stateExpired',
} as const;

/** Where a warning stands; a cancellation that went out is not a warning in force. */
const ALARM_STATES = {
  raised: 'alarmRaised',
  returned: 'alarmReturned',
  acknowledged: 'alarmAcknowledged',
  suppressed: 'alarmSuppressed',
  out_of_service: 'alarmOutOfService',
  out_of_service_calm: 'alarmOutOfServiceCalm',
} as const;

export function alarmState({ state, until_us, step }: Pick<Alarm, 'state' | 'until_us' | 'step'>): string {
  if (state === 'shelved') return t('alarmShelved', { time: clockTime(until_us ?? 0, session.zone) });
  if (state === 'acknowledged' && step === 'downgraded') return t('alarmDowngraded');
  return t(state === 'raised' && step === 'escalated' ? 'alarmLate' : (ALARM_STATES[state] ?? 'alarmRaised'));
}

/** How a gauge is broken, by the word of its neighbours. */
const FAULTS: Record<string, 'faultDrift' | 'faultStep' | 'faultStuck' | 'faultSaturated' | 'faultDisagreement'> = {
  'fault:drift': 'faultDrift',
  'fault:step': 'faultStep',
  'fault:stuck': 'faultStuck',
  'fault:saturated': 'faultSaturated',
  'fault:disagreement': 'faultDisagreement',
};

/** What an alarm says: the level reached, no data, a broken sensor. */
export function alarmTitle(alarm: Pick<Alarm, 'cause' | 'series' | 'rule' | 'limit'>): string {
  if (alarm.cause === 'silence') return t('alarmSilence');
  if (alarm.cause === 'threshold') return t('alarmThreshold', { name: siteNames.rule(alarm) });
  if (alarm.cause !== 'level') return t(FAULTS[alarm.rule] ?? 'alarmFault');
  return t('alarmLevel', { level: words(levelOfRule(alarm.series, alarm.rule, alarm.limit)?.name) || alarm.rule });
}

const ROW_KINDS = { site: 'rowSite', reach: 'rowReach', together: 'rowTogether', event: 'rowEvent', flood: 'rowFlood' } as const;

const MODEL_HAZARDS = { river: 'modelRiver', thermal_runaway: 'modelBattery' } as const;
const MODEL_CAUSES = { missing: 'modelMissing', failed: 'modelFailed', unsound: 'modelUnsound', slow: 'modelSlow', narrow: 'modelNarrow' } as const;

/** Which model, and of what: the hazard and the gauge it forecasts. */
export const modelName = ({ hazard, series }: Pick<ModelState, 'hazard' | 'series'>): string =>
  [hazard in MODEL_HAZARDS ? t(MODEL_HAZARDS[hazard as keyof typeof MODEL_HAZARDS]) : hazard, gaugeName(series)].filter(Boolean).join(' · ');

/** Why a model is not heard, or that it is heard again. */
export const modelCause = ({ cause, step }: Pick<ModelState, 'cause' | 'step'>): string =>
  t(step === 'on' ? 'modelOn' : step === 'removed' ? 'modelRemoved' : (MODEL_CAUSES[cause] ?? 'modelFailed'));

/** What makes the alarms of a row one; of one gauge that is plain. */
export const rowKind = (kind: AlarmRow['kind']): string => (kind === 'gauge' ? '' : t(ROW_KINDS[kind]));

export const alertState = ({ state, kind }: Pick<Alert, 'state' | 'kind'>): string =>
  t(kind === 'Cancel' && state === 'published' ? 'stateCancelSent' : (STATES[state] ?? 'stateDrafted'));

const STATUSES = { Actual: 'statusActual', Exercise: 'statusExercise', System: 'statusSystem', Test: 'statusTest', Draft: 'statusDraft' } as const;

export const statusName = (status: string): string => t(STATUSES[status as keyof typeof STATUSES] ?? 'statusDraft');

const ROLES = { viewer: 'roleViewer', operator: 'roleOperator', approver: 'roleApprover', administrator: 'roleAdministrator' } as const;

export const roleName = (role: string): string => t(ROLES[role as Role] ?? 'roleViewer');

/** The title of a warning: its level, and whether it updates or cancels. */
export function alertTitle(alert: Alert | AlertContent, series: string): string {
  const level = levelName(series, alert.level);
  const key = alert.kind === 'Cancel' ? 'alertCancelTitle' : alert.kind === 'Update' ? 'alertUpdateTitle' : 'alertTitle';
  return t(key, { level });
}

/** The series a warning is about, through its incident. */
export function seriesOfAlert(alert: Alert): string {
  const incident = live.world?.incidents.find((one) => one.incident_id === alert.incident_id);
  return incident?.series ?? live.map?.gauges.find((gauge) => gauge.levels.some((level) => level.id === alert.level))?.series ?? '';
}

const CAP_WORDS = {
  Immediate: 'capImmediate',
  Expected: 'capExpected',
  Future: 'capFuture',
  Past: 'capPast',
  Extreme: 'capExtreme',
  Severe: 'capSevere',
  Moderate: 'capModerate',
  Minor: 'capMinor',
  Observed: 'capObserved',
  Likely: 'capLikely',
  Possible: 'capPossible',
  Unlikely: 'capUnlikely',
  Unknown: 'capUnknown',
} as const;

/** CAP's urgency, severity and certainty in words. */
export const capWord = (word: string): string => (word in CAP_WORDS ? t(CAP_WORDS[word as keyof typeof CAP_WORDS]) : word);
