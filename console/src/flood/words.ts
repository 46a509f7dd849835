// SPDX-License-Identifier: Apache-2.0
// The flood layer's figures in words: until when a lead reaches, a median with its range.
import { session } from '../state/session.svelte';
import { clockTime, count, span } from '../words/format';
import { speech, t } from '../words/speech.svelte';
import type { Range } from './flood';

/** Until when a lead of an issue reaches, in the words of the screen. */
export function untilWords(issued_us: number, lead_s: number): string {
  const issued = clockTime(issued_us, session.zone);
  if (lead_s === 0) return t('floodAtIssue', { issued });
  return t('floodUntil', { time: clockTime(issued_us + lead_s * 1e6, session.zone), issued, lead: span(lead_s * 1e6, speech.language) });
}

/** `1,200 (0–3,600)`; a range that is none is left out. */
export function heads({ p05, p50, p95 }: Range): string {
  return p05 === p95 ? count(p50) : `${count(p50)} (${count(p05)}–${count(p95)})`;
}
