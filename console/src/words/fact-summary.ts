// SPDX-License-Identifier: Apache-2.0
// A fact of the evidence in one line.
import type { Fact } from '../state/facts';
import { percent, quantity, rarity, span } from './format';
import { gaugeName, gaugeOf, levelName, levelOfRule, modelCause } from './names';
import { speech, t, words } from './speech.svelte';

export const STEPS = {
  raised: 'stepRaised',
  cleared: 'stepCleared',
  withdrawn: 'stepWithdrawn',
  acknowledged: 'alarmAcknowledged',
  removed: 'stepRemoved',
  restored: 'stepRestored',
  suppressed: 'stepSuppressed',
  unsuppressed: 'stepUnsuppressed',
  downgraded: 'stepDowngraded',
  lapsed: 'stepLapsed',
  shelved: 'stepShelved',
  unshelved: 'stepUnshelved',
  opened: 'stepOpened',
  escalated: 'stepEscalated',
  eased: 'stepEased',
  closed: 'stepClosed',
  taken: 'stepTaken',
  drafted: 'stepDrafted',
  edited: 'stepEdited',
  submitted: 'stepSubmitted',
  approved: 'stepApproved',
  rejected: 'stepRejected',
  published: 'stepPublished',
  superseded: 'stepSuperseded',
  cancelled: 'stepCancelled',
  expired: 'stepExpired',
} as const;

/** `raised`, `drafted`, … in words; a step this version does not know stands as it is. */
export const stepName = (step: string): string => (step in STEPS ? t(STEPS[step as keyof typeof STEPS]) : step);

export function factSummary(fact: Omit<Fact, 'seq'>): string {
  const one = fact as Fact;
  switch (one.kind) {
    case 'forecast': {
      const last_s = one.body.lead_s.at(-1) ?? 0;
      const surest = one.body.crossings.map((crossing) => `${levelName(one.body.series, crossing.level)} ${percent(Math.max(0, ...crossing.probability))}`);
      return [gaugeName(one.body.series), span(last_s * 1e6, speech.language), ...surest].join(' · ');
    }
    case 'alarm': {
      const level = levelOfRule(one.body.series, one.body.rule, one.body.limit);
      const value = one.body.value === null || one.body.value === undefined ? [] : [quantity(one.body.value, gaugeOf(one.body.series)?.unit ?? '')];
      return [gaugeName(one.body.series), words(level?.name) || one.body.rule, one.body.step === 'escalated' ? t('stepEscalatedAlarm') : stepName(one.body.step), ...value].join(' · ');
    }
    case 'incident':
      return [gaugeName(one.body.series), levelName(one.body.series, one.body.level), stepName(one.body.step)].join(' · ');
    case 'alert':
      return [stepName(one.body.step), one.body.by].filter(Boolean).join(' · ');
    case 'detection':
      return [gaugeName(one.body.series) || one.body.name, quantity(one.body.value, gaugeOf(one.body.series)?.unit ?? ''), t('unusualRare', { n: rarity(one.body.p) })].join(' · ');
    case 'model':
      return [gaugeName(one.body.series), modelCause(one.body)].join(' · ');
    case 'impact':
      return [t('peopleCount', { n: one.body.people.toLocaleString('en-US') }), t('townsCount', { n: one.body.towns.length })].join(' · ');
    default:
      return '';
  }
}
