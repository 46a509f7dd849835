// SPDX-License-Identifier: Apache-2.0
// Numbers, times, ages and probabilities as people read them. Pure; UTC inside, the city's clock outside.
import type { Language } from '../state/facts';

const formatters = new Map<string, Intl.DateTimeFormat>();

function parts(at_us: number, zone: string): Record<string, string> {
  let formatter = formatters.get(zone);
  if (!formatter) {
    formatter = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      weekday: 'short',
    });
    formatters.set(zone, formatter);
  }
  return Object.fromEntries(formatter.formatToParts(at_us / 1000).map((part) => [part.type, part.value]));
}

const WEEKDAY_KO: Record<string, string> = { Mon: '월', Tue: '화', Wed: '수', Thu: '목', Fri: '금', Sat: '토', Sun: '일' };

/** `09:30`, on the city's clock. */
export function clockTime(at_us: number, zone: string): string {
  const p = parts(at_us, zone);
  return `${p.hour}:${p.minute}`;
}

/** `09:30:05`, on the city's clock. */
export function clockSeconds(at_us: number, zone: string): string {
  return `${clockTime(at_us, zone)}:${parts(at_us, zone).second}`;
}

/** `2016-10-05 (수)`. */
export function calendarDay(at_us: number, zone: string, language: Language): string {
  const p = parts(at_us, zone);
  const day = language === 'ko' ? WEEKDAY_KO[p.weekday ?? ''] : p.weekday;
  return `${p.year}-${p.month}-${p.day} (${day})`;
}

/** `10-05 09:30`. */
export function dayTime(at_us: number, zone: string): string {
  const p = parts(at_us, zone);
  return `${p.month}-${p.day} ${p.hour}:${p.minute}`;
}

/** Hour of the day on the city's clock, 0-23. */
export function hourOf(at_us: number, zone: string): number {
  return Number(parts(at_us, zone).hour);
}

/** An age as `mm:ss`, from an hour on `h:mm:ss`. */
export function age(age_us: number): string {
  const total = Math.max(0, Math.floor(age_us / 1e6));
  const pad = (n: number) => String(n).padStart(2, '0');
  const [hours, minutes, seconds] = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  return hours > 0 ? `${hours}:${pad(minutes)}:${pad(seconds)}` : `${pad(minutes)}:${pad(seconds)}`;
}

/** A span in words, coarse: `2시간 10분`, `2 h 10 min`. */
export function span(span_us: number, language: Language): string {
  const minutes = Math.max(0, Math.round(Math.abs(span_us) / 60e6));
  const [h, m] = [Math.floor(minutes / 60), minutes % 60];
  if (language === 'ko') return h ? (m ? `${h}시간 ${m}분` : `${h}시간`) : `${m}분`;
  return h ? (m ? `${h} h ${m} min` : `${h} h`) : `${m} min`;
}

/** Digits after the point that a unit is read with. */
export function decimals(unit: string): number {
  return unit === 'm' ? 2 : unit === 'm3/s' || unit === 'm³/s' ? 1 : unit === 'cm' ? 0 : 2;
}

/** A unit as it is written: `m3/s` → `m³/s`. */
export function unitText(unit: string): string {
  return unit.replace('m3', 'm³').replace('km2', 'km²');
}

/** A value with the digits of its unit, without the unit; `–` when there is none. */
export function number(value: number | null | undefined, unit: string): string {
  return value === null || value === undefined || !Number.isFinite(value) ? '–' : value.toFixed(decimals(unit));
}

/** A value with its unit. */
export function quantity(value: number | null | undefined, unit: string): string {
  return `${number(value, unit)} ${unitText(unit)}`;
}

/** A change with its sign: `+0.71`, `−0.05`, `±0.00`. */
export function signed(value: number, unit: string): string {
  const text = Math.abs(value).toFixed(decimals(unit));
  if (Number(text) === 0) return `±${text}`;
  return `${value > 0 ? '+' : '−'}${text}`;
}

/** Whole numbers with separators. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** A probability in percent that never claims certainty: `<1 %`, `37 %`, `>99 %`. */
export function percent(probability: number): string {
  if (!Number.isFinite(probability)) return '–';
  if (probability < 0.01) return '<1 %';
  if (probability > 0.99) return '>99 %';
  return `${Math.round(probability * 100)} %`;
}

export type Likelihood = 'unlikely' | 'possible' | 'even' | 'likely' | 'very_likely';

/** A probability's word, after the calibrated scale of the IPCC (2010), in five steps. */
export function likelihood(probability: number): Likelihood {
  if (probability < 0.1) return 'unlikely';
  if (probability < 0.33) return 'possible';
  if (probability < 0.66) return 'even';
  if (probability < 0.9) return 'likely';
  return 'very_likely';
}

/** Whether what somebody typed is one of the wanted words, without regard to spaces, commas and case. */
export function sameTyped(typed: string, wanted: string[]): boolean {
  const plain = (text: string) => text.normalize('NFKC').replace(/[\s,]/g, '').toLowerCase();
  return plain(typed).length > 0 && wanted.some((word) => plain(word) === plain(typed));
}

/** 1 / p in two figures, at least 1: how many times it takes to see as much once. */
export const rarity = (p: number): string => {
  const times = Math.max(1, 1 / Math.max(p, 1e-12));
  return count(Number(times.toPrecision(2)));
};
