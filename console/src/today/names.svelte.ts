// SPDX-License-Identifier: Apache-2.0
// Names of series and rules for pages without the live picture: gauges of the city, thresholds of people.
import { api } from '../api';
import { asking, type Threshold } from '../thresholds/asking';
import type { Alarm, Gauge } from '../state/facts';
import { title, words } from '../words/speech.svelte';

class Names {
  #gauges = $state.raw(new Map<string, Gauge>());
  #thresholds = $state.raw(new Map<string, Threshold>());

  async load(): Promise<void> {
    const [map, standing] = await Promise.all([this.#gauges.size ? null : api.map(), asking.standing()]);
    if (map) this.#gauges = new Map(map.gauges.map((gauge) => [gauge.series, gauge]));
    this.#thresholds = new Map(standing.map((one) => [`threshold-${one.id}`, one]));
  }

  series(series: string): string {
    const stream = [...this.#thresholds.values()].find((one) => series === `datastream/${one.datastream_id}`);
    return words(this.#gauges.get(series)?.name) || stream?.stream_name || series;
  }

  rule(alarm: Alarm): string {
    const level = this.#gauges.get(alarm.series)?.levels.find((one) => one.id === alarm.rule);
    return title(words(level?.name)) || this.#thresholds.get(alarm.rule)?.name || alarm.rule;
  }
}

export const names = new Names();
