// SPDX-License-Identifier: Apache-2.0
// A fake city for looking at the console: measured storm hours, made-up forecasts, hand-made levels and people.
import { readFileSync } from 'node:fs';
import { randomUUID } from 'node:crypto';

const read = (name) => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));
const measured = read('./measured.json');
const ulsan = read('./ulsan.json');

export const HOUR = 3600e6;
const START = Date.parse(measured.start) * 1000;
const TOWNS = ['2601060', '2601059', '2601061', '2602058', '2602059', '2602051', '2602053', '2602057', '2601051', '2601067'];
const MODEL = 'made-up-by-the-fake';
const open = 'hand-made for the fake server; to be confirmed';

const gauge = (series, ko, en, longitude, latitude, unit, levels = []) => ({ series, name: { ko, en }, longitude, latitude, unit, levels });
const level = (id, ko, en, limit, crisis_level) => ({ id, name: { ko, en }, limit, crisis_level, source: open, confirmed: false });
const gauges = [
  gauge('taehwa_stage_m', '태화교', 'Taehwa Bridge', 129.3196, 35.5497, 'm', [
    level('attention', '관심', 'attention', 3.0, 1),
    level('advisory', '홍수주의보', 'flood advisory', 4.5, 2),
    level('warning', '홍수경보', 'flood warning', 5.5, 3),
    level('design_flood', '계획홍수위', 'design flood level', 6.48, 4),
  ]),
  gauge('samho_stage_m', '삼호교', 'Samho Bridge', 129.2683, 35.5468, 'm', [level('advisory', '홍수주의보', 'flood advisory', 6.5, 2)]),
  gauge('guyeong_stage_m', '구영교', 'Guyeong Bridge', 129.2418, 35.5665, 'm'),
  gauge('daeam_reservoir_level_m', '대암댐 수위', 'Daeam Dam level', 129.196, 35.512, 'm'),
  gauge('daeam_spillway_discharge_m3s', '대암댐 방류', 'Daeam Dam release', 129.205, 35.522, 'm3/s'),
  gauge('ulsan_tide_cm', '울산항 조위', 'Ulsan tide', 129.3872, 35.5018, 'cm'),
];
const river = [[129.196, 35.522], [129.225, 35.548], [129.2418, 35.5665], [129.255, 35.556], [129.2683, 35.5468], [129.295, 35.548], [129.3196, 35.5497], [129.34, 35.546], [129.362, 35.538], [129.378, 35.52], [129.3872, 35.5018]];
const line = (coordinates) => ({ type: 'FeatureCollection', features: [{ type: 'Feature', properties: {}, geometry: { type: 'LineString', coordinates } }] });

export const city = {
  map: { towns: ulsan.towns, coast: ulsan.coast, river: line(river), gauges, reaches: [{ id: 'taehwa', name: { ko: '태화강 하류', en: 'Lower Taehwa' }, series: 'taehwa_stage_m', towns: TOWNS }] },
  session: { id: 'ulsan', name: { ko: '울산광역시', en: 'Ulsan' }, time_zone: 'Asia/Seoul', languages: ['ko', 'en'] },
};
const inTowns = ulsan.towns.features.filter((f) => TOWNS.includes(f.properties.code)).map((f) => f.properties);
const sum = (key) => inTowns.reduce((total, town) => total + town[key], 0);
export const PEOPLE = sum('people');

/** The storm of 2016-10-05 as a world that is stepped hour by hour. */
export class FakeWorld {
  constructor({ mode, speed, paused, silent, calm }) {
    Object.assign(this, { mode, speed, paused, silent, calm });
    this.now_us = START;
    this.seq = 0;
    this.hours = 0;
    this.rows = [];
    this.forecasts = [];
    this.facts = new Map();
    this.alarms = new Map();
    this.incidents = new Map();
    this.alerts = new Map();
    this.degraded = [];
    this.emit = () => {};
  }

  advance(to_us) {
    while (START + this.hours * HOUR <= to_us && this.hours < 84) {
      this.now_us = Math.max(this.now_us, START + this.hours * HOUR);
      this.#hour(this.hours++);
    }
    this.now_us = Math.max(to_us, this.now_us);
  }

  #hour(i) {
    const at = START + i * HOUR;
    const rows = gauges.flatMap(({ series }) => {
      const value = measured.series[series][i];
      if (value === null || (series === this.silent && i > 50)) return [];
      return [{ series, time_us: at, value, flag: series === 'samho_stage_m' && i === 56 ? 3 : 1 }];
    });
    this.rows.push(...rows);
    this.emit('observations', { rows });
    const forecast = this.#forecast(i, at);
    this.forecasts.push(forecast);
    this.fact('forecast', at, forecast);
    if (!this.calm) this.#judge(i, at, forecast);
  }

  /** Made up: halfway between what came and what stood, with a spread that grows with lead and rate. */
  #forecast(i, at) {
    const stage = measured.series.taehwa_stage_m;
    const now = stage[i];
    const lead = [1, 2, 3, 4, 5, 6];
    const quantile = [0.05, 0.25, 0.5, 0.75, 0.95];
    const z = [-1.645, -0.674, 0, 0.674, 1.645];
    const middle = lead.map((h) => now + 0.86 * ((stage[i + h] ?? now) - now));
    const spread = lead.map((h, k) => 0.06 * h + 0.16 * Math.abs(middle[k] - now));
    const value = lead.map((_, k) => z.map((n) => Math.max(0.3, middle[k] + n * spread[k] * (n > 0 ? 1.2 : 0.9))));
    const crossings = gauges[0].levels.map(({ id, limit, crisis_level }) => {
      let most = 0;
      const probability = lead.map((_, k) => (most = Math.max(most, 1 / (1 + Math.exp((-1.7 * (middle[k] - limit)) / spread[k])))));
      return { level: id, limit, crisis_level, lead_s: lead.map((h) => h * 3600), probability: now >= limit ? probability.map(() => 1) : probability };
    });
    return { hazard: 'river', model: MODEL, series: 'taehwa_stage_m', issued_us: at, lead_s: lead.map((h) => h * 3600), quantile, value, crossings, used: ['taehwa_stage_m', 'samho_stage_m'], missing: this.silent && i > 50 ? [this.silent] : [], degraded: !!this.silent && i > 50, maturity: 'advisory' };
  }

  #judge(i, at, forecast) {
    for (const { id, limit, crisis_level } of gauges[0].levels) {
      const value = measured.series.taehwa_stage_m[i];
      const key = `level:${id}`;
      if (value >= limit && !this.alarms.has(key)) this.alarm(key, { cause: 'level', rule: `taehwa_stage_m:${id}`, series: 'taehwa_stage_m', crisis_level, priority: crisis_level > 2 ? 'high' : 'medium', since_us: at, value, limit });
      if (value < limit - 0.1 && this.alarms.has(key)) this.#clear(key, at);
    }
    if (this.silent && i === 53) this.alarm('silence', { cause: 'silence', rule: `${this.silent}:silence`, series: this.silent, crisis_level: 0, priority: 'medium', since_us: at, value: null, limit: null });
    const sure = forecast.crossings[1].probability[2];
    if (sure >= 0.6 && !this.incidents.size) this.#open(at, sure);
  }

  alarm(key, body) {
    const alarm = { alarm_id: randomUUID(), state: 'raised', by: '', ...body };
    this.alarms.set(key, alarm);
    alarm.fact_id = this.fact('alarm', body.since_us, { ...alarm, step: 'raised' }).id;
  }

  #clear(key, at) {
    const alarm = this.alarms.get(key);
    this.alarms.delete(key);
    this.fact('alarm', at, { ...alarm, step: 'cleared' });
  }

  #open(at, probability) {
    const incident = { incident_id: randomUUID(), state: 'opened', hazard: 'river', series: 'taehwa_stage_m', level: 'advisory', crisis_level: 2, opened_us: at, probability, by: '' };
    this.incidents.set(incident.incident_id, incident);
    this.impact = { hazard: 'river', series: 'taehwa_stage_m', level: 'advisory', reach: 'taehwa', towns: inTowns.map(({ code, people, over_65, under_7 }) => ({ code, people, over_65, under_7 })), people: sum('people'), over_65: sum('over_65'), under_7: sum('under_7'), area_km2: 38.4 };
    this.fact('incident', at, { ...incident, step: 'opened' });
    this.fact('impact', at, this.impact);
    this.onIncident?.(incident, at);
  }

  fact(kind, about_us, body) {
    const fact = { id: randomUUID(), seq: ++this.seq, kind, about_us, recorded_us: Math.max(this.now_us, about_us), body };
    this.facts.set(fact.id, fact);
    this.emit('fact', fact);
    return fact;
  }

  clock() {
    const replay = { scenario: 'chaba-2016', title: { ko: '2016년 태풍 차바', en: 'Typhoon Chaba, 2016' }, start_us: START, end_us: START + 83 * HOUR, speed: this.speed, paused: this.paused };
    return { now_us: this.now_us, mode: this.mode, simulated: true, replay: this.mode === 'exercise' ? replay : null };
  }

  health() {
    const last = this.rows.at(-1)?.time_us ?? this.now_us;
    return { live: true, ready: true, degraded: this.degraded, data_age_s: (this.now_us - last) / 1e6 };
  }

  readings(at_us) {
    const latest = new Map(this.rows.filter((row) => row.time_us <= at_us).map((row) => [row.series, row]));
    return [...latest.values()].map((row, k) => ({ ...row, datastream_id: k + 1, period_s: 3600, stale: at_us - row.time_us > 2 * HOUR }));
  }

  state() {
    return {
      seq: this.seq,
      clock: this.clock(),
      health: this.health(),
      gauges: this.readings(this.now_us),
      alarms: [...this.alarms.values()],
      incidents: [...this.incidents.values()].filter((one) => one.state !== 'closed'),
      alerts: [...this.alerts.values()].map(({ alert }) => alert),
      forecasts: { taehwa_stage_m: this.forecasts.at(-1) },
      impacts: this.impact ? { taehwa_stage_m: this.impact } : {},
    };
  }

  observations(series, from_us, to_us) {
    const rows = this.rows.filter((row) => row.series === series && row.time_us >= from_us && row.time_us <= to_us);
    return { time_us: rows.map((r) => r.time_us), value: rows.map((r) => r.value), flag: rows.map((r) => r.flag) };
  }
}
