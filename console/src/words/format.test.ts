// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { age, calendarDay, clockSeconds, clockTime, dayTime, likelihood, number, percent, sameTyped, signed, span, unitText } from './format';

const NOON_US = 1_475_636_400_000_000; // 2016-10-05T03:00:00Z
const SEOUL = 'Asia/Seoul';

test('instants are read on the city clock', () => {
  expect(clockTime(NOON_US, SEOUL)).toBe('12:00');
  expect(clockSeconds(NOON_US + 5e6, SEOUL)).toBe('12:00:05');
  expect(dayTime(NOON_US, SEOUL)).toBe('10-05 12:00');
  expect(calendarDay(NOON_US, SEOUL, 'ko')).toBe('2016-10-05 (수)');
  expect(calendarDay(NOON_US, SEOUL, 'en')).toBe('2016-10-05 (Wed)');
});

test('midnight is 00:00, not 24:00', () => {
  expect(clockTime(NOON_US - 12 * 3600e6, SEOUL)).toBe('00:00');
});

test('O4 an age is mm:ss, from an hour on h:mm:ss, and never negative', () => {
  expect([0, 42e6, 61e6, 3599e6, 3600e6, 40_000e6, -5e6].map(age)).toEqual(['00:00', '00:42', '01:01', '59:59', '1:00:00', '11:06:40', '00:00']);
});

test('spans are coarse words', () => {
  expect([span(3600e6, 'ko'), span(8400e6, 'ko'), span(600e6, 'en'), span(-8400e6, 'en')]).toEqual(['1시간', '2시간 20분', '10 min', '2 h 20 min']);
});

test('numbers have the digits of their unit, and none is a dash', () => {
  expect([number(4.4249, 'm'), number(114.25, 'm3/s'), number(56.4, 'cm'), number(null, 'm'), number(NaN, 'm')]).toEqual(['4.42', '114.3', '56', '–', '–']);
  expect(unitText('m3/s')).toBe('m³/s');
});

test('a change carries its sign, a change of nothing does not rise', () => {
  expect([signed(0.714, 'm'), signed(-0.05, 'm'), signed(0.001, 'm')]).toEqual(['+0.71', '−0.05', '±0.00']);
});

test('a probability never claims certainty', () => {
  expect([0, 0.004, 0.01, 0.5, 0.99, 0.996, 1].map(percent)).toEqual(['<1 %', '<1 %', '1 %', '50 %', '99 %', '>99 %', '>99 %']);
  expect([0.05, 0.2, 0.5, 0.7, 0.95].map(likelihood)).toEqual(['unlikely', 'possible', 'even', 'likely', 'very_likely']);
});

test('O9 typing forgives spaces, commas, case and decomposed Hangul, nothing else', () => {
  const wanted = ['태화강 하류', '221336'];
  expect(['태화강하류', ' 태화강  하류 ', '태화강 하류'.normalize('NFD'), '221,336'].map((typed) => sameTyped(typed, wanted))).toEqual([true, true, true, true]);
  expect(['', '태화강', 'OK', '221,337', '확인'].map((typed) => sameTyped(typed, wanted))).toEqual([false, false, false, false, false]);
  expect(sameTyped('', [''])).toBe(false);
});
