// SPDX-License-Identifier: Apache-2.0
// Names of series and rules for pages without the live picture: gauges of the city, thresholds of people.
import { api } from '../api';
import { asking, type Threshold } from '../thresholds/asking';
import type { Alarm, Gauge } from '../state/facts';
import { title, words } from '../words/speech.svelte';

const ASK_AGAIN_MS = 10_000;

class Names {
  #asked_ms = -ASK_AGAIN_MS;
  #gauges = $state.raw(new Map<string, Gauge>());
  #thresholds = $state.raw(new Map<string, Threshold>());

  async load(): Promise<void> {
    const [map, standing] = await Promise.all([this.#gauges.size ? null : api.map(), asking.standing()]);
    if (map) this.#gauges = new Map(map.gauges.map((gauge) => [gauge.series, gauge]));
    this.#take(standing);
  }

  series(series: string): string {
    const stream = [...this.#thresholds.values()].find((one) => series === `datastream/${one.datastream_id}`);
    if (!stream && series.startsWith('datastream/')) this.#ask();
    return words(this.#gauges.get(series)?.name) || stream?.stream_name || series;
  }

  rule(alarm: Pick<Alarm, 'series' | 'rule'>): string {
    const level = this.#gauges.get(alarm.series)?.levels.find((one) => one.id === alarm.rule);
    return title(words(level?.name)) || this.#of(alarm)?.name || alarm.rule;
  }

  /** Who set the threshold of an alarm, and why; empty for other alarms, and for versions that stand no more. */
  reason(alarm: Pick<Alarm, 'rule'>): string {
    const one = this.#of(alarm);
    return one ? `${one.by}: ${one.reason}` : alarm.rule;
  }

  #of(alarm: Pick<Alarm, 'rule'>): Threshold | undefined {
    const one = this.#thresholds.get(alarm.rule);
    if (!one && alarm.rule.startsWith('threshold-')) this.#ask();
    return one;
  }

  /** Thresholds that are not known yet are asked for, now and then; nothing waits for them. */
  #ask(): void {
    if (performance.now() - this.#asked_ms < ASK_AGAIN_MS) return;
    this.#asked_ms = performance.now();
    asking.standing().then(
      (standing) => this.#take(standing),
      () => undefined, // the rule's id stands there until it is known
    );
  }

  #take(standing: Threshold[]): void {
    this.#thresholds = new Map(standing.map((one) => [`threshold-${one.id}`, one]));
  }
}

export const names = new Names();
