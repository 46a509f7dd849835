// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { classLabels, leadReaching, middleOf, nearestLead, pictureOf, placeId, placeOf, query, shownColour, within, type Flood } from './flood';

const HOUR = 3600;
const flood = { library_id: 'abc', forecast_id: 'f1' } as Flood;
const luminance = (colour: string): number =>
  [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
    const part = Number.parseInt(colour.slice(1 + 2 * i, 3 + 2 * i), 16) / 255;
    return sum + weight * (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  }, 0);
const contrast = (a: string, b: string) => {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high! + 0.05) / (low! + 0.05);
};

test('a picture is named by library, forecast and what it shows, and the limit only where it counts', () => {
  expect(pictureOf(flood, 'depth', 3 * HOUR, 0.5, null)).toBe('/api/flood/map.png?lead_s=10800&kind=depth&version=abc.f1');
  expect(pictureOf(flood, 'probability', 0, 0.5, '2016-10-05T02:00:00Z')).toBe(
    '/api/flood/map.png?lead_s=0&kind=probability&limit_m=0.5&as_of=2016-10-05T02%3A00%3A00Z&version=abc.f1',
  );
});

test('without a forecast, a library or a lead there is no picture to ask for', () => {
  expect(pictureOf({ ...flood, forecast_id: null }, 'depth', 0, 0.3, null)).toBeNull();
  expect(pictureOf({ ...flood, library_id: null }, 'depth', 0, 0.3, null)).toBeNull();
  expect(pictureOf(flood, 'depth', null, 0.3, null)).toBeNull();
});

test('a lead that is not there any more gives way to its nearest', () => {
  expect(nearestLead([HOUR, 3 * HOUR, 6 * HOUR], 2.4 * HOUR)).toBe(3 * HOUR);
  expect(nearestLead([], HOUR)).toBeNull();
});

test('an instant ahead on the time line takes the shortest lead that reaches it', () => {
  const leads = [0, HOUR, 3 * HOUR];
  expect(leadReaching(leads, 0, 2 * HOUR * 1e6)).toBe(3 * HOUR);
  expect(leadReaching(leads, 0, HOUR * 1e6)).toBe(HOUR);
  expect(leadReaching(leads, 0, 9 * HOUR * 1e6)).toBe(3 * HOUR);
});

test('classes are labelled by what they hold, the last open upwards', () => {
  expect(classLabels('depth', [{ from: 0.05 }, { from: 0.3 }, { from: 2 }])).toEqual(['0.05–0.3', '0.3–2', '≥ 2']);
  expect(classLabels('probability', [{ from: 0.05 }, { from: 0.8 }])).toEqual(['5–80 %', '≥ 80 %']);
  expect(classLabels('hazard', [{ from: 1 }, { from: 6 }])).toEqual(['H1', 'H6']);
});

test('the deepest class stands out from dark ground, and classes keep their order there', () => {
  const [shallow, deep, dark] = ['#c6dbef', '#08519c', '#1a2227'];
  expect(contrast(shownColour(deep, 'dark'), dark)).toBeGreaterThan(3); // WCAG 1.4.11
  expect(luminance(shownColour(shallow, 'dark'))).toBeGreaterThan(luminance(shownColour(deep, 'dark')));
  expect(shownColour(deep, 'light')).toMatch(/^#0[0-9a-f]/);
});

test('a place is kept to a metre', () => {
  expect(placeOf(placeId(129.3112345, 35.5467891))).toEqual({ longitude: 129.31123, latitude: 35.54679 });
});

test('a place is within the four corners or not', () => {
  const corners: [number, number][] = [[129, 36], [130, 36.01], [130, 35], [129, 34.99]];
  expect(within(corners, [129.5, 35.5])).toBe(true);
  expect(within(corners, [129.5, 34.9])).toBe(false);
  expect(within(corners, [130.1, 35.5])).toBe(false);
  expect(within([], [129.5, 35.5])).toBe(false);
  expect(within(corners, middleOf(corners))).toBe(true);
});

test('what is not given is not asked with', () => {
  expect(query({ lon: 129.3, as_of: null })).toBe('lon=129.3');
});
