// SPDX-License-Identifier: Apache-2.0
// Keeps the picture of the world live: snapshot, then server-sent events, and notices at once when they stop.
import { api, Problem } from '../api';
import type { CityMap, Clock, Fact, Gauge, Health, Observed, ObservedRow, ServerEvent } from './facts';
import { fold, fromSnapshot, KEEP_US, withAlarms, withForecasts, withObserved, withoutPast, withReadingsThen, type World } from './fold';
import { markUpdate } from './marks';
import type { Standing } from '../flood/flood';

/** Quiet for this long: ask the server for a sign of life; no answer within the next span: the connection is lost. */
const QUIET_MS = 2_500;
const ANSWER_MS = 1_500;
const REFETCH_MIN_MS = 3_000;
/** A stream that has been silent this long is not trusted: the whole state is read again. */
const SILENT_MAX_MS = 20_000;
/** What comes within this time is drawn at once: a thousand alarms of one storm are one drawing. */
const GATHER_MS = 40;
/** Gauges whose past is asked for at the same time. */
const ASKED_MAX = 6;
/** Gauges whose past is kept: those looked at last. */
const KEPT_MAX = 200;
const NOTHING_YET: Observed = { time_us: [], value: [], flag: [] };
/** A simulated clock is never run ahead of the server by more than this much real time. */
const RUN_AHEAD_MS = 1_500;
/** Alarm facts of this time are read as one list: the rows they stand in are counted by the server. */
const ALARMS_GATHER_MS = 500;
/** In a storm the list is read again no more often than this. */
const ALARMS_MIN_MS = 2_000;

type Connection = 'connecting' | 'open' | 'lost';

class Live {
  world = $state.raw<World | null>(null);
  map = $state.raw<CityMap | null>(null);
  connection = $state<Connection>('connecting');
  /** The newest that was heard of the computing of floods. */
  floods = $state.raw<Standing | null>(null);
  lostSince = $state(0);
  /** Real time, four times a second; drives ages. */
  tick = $state(0);
  now_us = $derived.by(() => this.#now(this.tick));
  /** The same, in whole seconds: for what need not be worked out anew four times a second. */
  second_us = $derived(Math.floor(this.now_us / 1e6) * 1e6);
  readonly gauges = $derived(new Map<string, Gauge>(this.map?.gauges.map((gauge) => [gauge.series, gauge])));

  #clockAt = 0;
  #heardAt = 0;
  #source: EventSource | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;
  #waiting: ServerEvent[] | null = null;
  #gathered: ServerEvent[] = [];
  #gathering: ReturnType<typeof setTimeout> | undefined;
  /** Gauges somebody looks at, whose past is kept; and those among them whose past was asked for. */
  #wanted = new Set<string>();
  #asked = new Set<string>();
  #asking = 0;
  #fetchedAt = -Infinity;
  #alarmsReadAt = -Infinity;
  #alarming: ReturnType<typeof setTimeout> | undefined;
  #probing = false;
  #onSignedOut: () => void = () => {};

  start(onSignedOut: () => void): void {
    this.#onSignedOut = onSignedOut;
    this.#heardAt = performance.now();
    this.#timer = setInterval(() => this.#beat(), 250);
    void api.map().then((map) => (this.map = map), this.#refused);
    this.#connect();
  }

  stop(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#gathering);
    clearTimeout(this.#alarming);
    this.#alarming = undefined;
    this.#gathered = [];
    this.#wanted.clear();
    this.#asked.clear();
    this.#source?.close();
    this.#source = null;
    this.world = null;
    this.map = null;
    this.connection = 'connecting';
  }

  /** Asks for a new snapshot, e.g. after an own action. */
  async refresh(timeout_ms?: number): Promise<boolean> {
    this.#fetchedAt = performance.now();
    this.#waiting ??= [];
    try {
      const snapshot = await api.state(timeout_ms);
      let world = fromSnapshot(snapshot, this.world);
      for (const event of this.#waiting ?? []) world = fold(world, event);
      this.#setWorld(world, true);
      this.#heard();
      return true;
    } catch (error) {
      this.#refused(error);
      return false;
    } finally {
      this.#waiting = null;
    }
  }

  #connect(): void {
    this.#source?.close();
    const source = new EventSource('/api/events');
    this.#source = source;
    source.onopen = () => void this.#catchUp();
    source.addEventListener('observations', (e) => this.#take({ type: 'observations', ...parsed<{ rows: ObservedRow[] }>(e) }));
    source.addEventListener('clock', (e) => this.#take({ type: 'clock', clock: parsed<Clock>(e) }));
    source.addEventListener('health', (e) => this.#take({ type: 'health', health: parsed<Health>(e) }));
    source.addEventListener('fact', (e) => this.#takeFact(parsed<Fact>(e)));
    source.addEventListener('flood', (e) => (this.floods = parsed<Standing>(e)));
  }

  async #catchUp(): Promise<void> {
    if (!(await this.refresh())) return;
    this.#asked.clear(); // what came while the line was down is missing in the past that is kept
    this.#askPast();
  }

  #takeFact(fact: Fact): void {
    const gap = this.world && !this.#waiting && fact.seq > this.#seq() + 1;
    this.#take({ type: 'fact', fact });
    if (fact.kind === 'alarm') this.#alarming ??= setTimeout(() => void this.#readAlarms(), Math.max(ALARMS_GATHER_MS, this.#alarmsReadAt + ALARMS_MIN_MS - performance.now()));
    if (gap && performance.now() - this.#fetchedAt > REFETCH_MIN_MS) void this.refresh();
  }

  async #readAlarms(): Promise<void> {
    this.#alarming = undefined;
    this.#alarmsReadAt = performance.now();
    try {
      const list = await api.alarms();
      if (this.world) this.world = withAlarms(this.world, list);
    } catch (error) {
      this.#refused(error); // the next snapshot has them
    }
  }

  #take(event: ServerEvent): void {
    this.#heard();
    if (this.#waiting) this.#waiting.push(event);
    this.#gathered.push(event);
    this.#gathering ??= setTimeout(() => this.#drawGathered(), GATHER_MS);
  }

  #drawGathered(): void {
    const events = this.#gathered;
    this.#gathered = [];
    this.#gathering = undefined;
    if (!this.world) return;
    this.#setWorld(events.reduce(fold, this.world), events.some((event) => event.type === 'clock'));
    if (events.some((event) => event.type === 'observations')) markUpdate();
  }

  /** The number of the newest fact heard, drawn or about to be. */
  #seq(): number {
    return this.#gathered.reduce((seq, event) => (event.type === 'fact' ? Math.max(seq, event.fact.seq) : seq), this.world?.seq ?? 0);
  }

  #setWorld(world: World, clockIsNew: boolean): void {
    if (clockIsNew) this.#clockAt = performance.now();
    this.world = world;
  }

  #heard(): void {
    this.#heardAt = performance.now();
    this.connection = 'open';
    this.lostSince = 0;
  }

  #beat(): void {
    this.tick = performance.now();
    if (this.tick - this.#heardAt > QUIET_MS && !this.#probing) void this.#probe();
  }

  async #probe(): Promise<void> {
    this.#probing = true;
    const closed = this.#source?.readyState === EventSource.CLOSED;
    const stale = closed || this.connection === 'lost' || performance.now() - this.#fetchedAt > SILENT_MAX_MS;
    const answered = stale ? await this.refresh(ANSWER_MS) : await this.#alive();
    this.#probing = false;
    if (!answered && this.#source) {
      if (this.connection !== 'lost') this.lostSince = this.#heardAt;
      this.connection = 'lost';
    }
    if (closed && this.#source) this.#connect();
  }

  async #alive(): Promise<boolean> {
    try {
      await api.site(ANSWER_MS);
      this.#heard();
      return true;
    } catch (error) {
      return error instanceof Problem && error.status !== 0;
    }
  }

  #refused = (error: unknown): void => {
    if (error instanceof Problem && error.status === 401) this.#onSignedOut();
  };

  /** Keep the past of these gauges, for somebody looks at them: of thousands only a screenful is ever drawn. */
  want(series: string[]): void {
    for (const one of series) {
      this.#wanted.delete(one);
      this.#wanted.add(one); // the last looked at stands last
    }
    const dropped = [...this.#wanted].slice(0, Math.max(0, this.#wanted.size - KEPT_MAX));
    for (const one of dropped) {
      this.#wanted.delete(one);
      this.#asked.delete(one);
    }
    if (this.world) this.world = withoutPast(this.world, dropped);
    this.#askPast();
  }

  /** What every gauge read at an instant gone by. */
  async fetchThen(at_us: number): Promise<void> {
    try {
      const readings = await api.readings(at_us);
      if (this.world) this.world = withReadingsThen(this.world, at_us, readings);
    } catch (error) {
      this.#refused(error);
    }
  }

  #askPast(): void {
    for (const series of this.#wanted) {
      if (this.#asking >= ASKED_MAX || !this.world) return;
      if (this.#asked.has(series)) continue;
      this.#asked.add(series);
      this.#asking += 1;
      this.world = withObserved(this.world, series, NOTHING_YET); // from now on what comes is kept
      void this.#fetchPast(series, this.world).finally(() => {
        this.#asking -= 1;
        this.#askPast();
      });
    }
  }

  async #fetchPast(series: string, { clock, forecasts }: World): Promise<void> {
    const [from_us, to_us] = [clock.now_us - KEEP_US, clock.now_us];
    try {
      const [observed, issued] = await Promise.all([
        api.observations(series, from_us, to_us),
        forecasts[series] ? api.forecasts(series, from_us, to_us) : Promise.resolve([]),
      ]);
      if (this.world) this.world = withForecasts(withObserved(this.world, series, observed), series, issued);
    } catch (error) {
      this.#refused(error); // it is asked for again when the line is back
    }
  }

  #now(tick: number): number {
    const clock = this.world?.clock;
    if (!clock) return 0;
    const elapsed_ms = Math.max(0, tick - this.#clockAt);
    if (!clock.replay) return clock.now_us + Math.round((clock.simulated ? Math.min(elapsed_ms, RUN_AHEAD_MS) : elapsed_ms) * 1000);
    if (clock.replay.paused) return clock.now_us;
    const ahead_us = Math.min(elapsed_ms, RUN_AHEAD_MS) * 1000 * clock.replay.speed;
    return Math.min(clock.now_us + Math.round(ahead_us), Math.max(clock.replay.end_us, clock.now_us));
  }
}

function parsed<T>(event: Event): T {
  return JSON.parse((event as MessageEvent<string>).data) as T;
}

export const live = new Live();
