// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { readMap, type RawMap } from './read-map';

const town = (properties: object) => ({ type: 'Feature', properties, geometry: { type: 'Polygon', coordinates: [] } });
const raw = (properties: object) => ({ towns: { type: 'FeatureCollection', features: [town({ code: '1', people: 2, over_65: 1, under_7: 0, ...properties })] }, gauges: [], reaches: [] }) as unknown as RawMap;

test('names of towns are read whether they come nested or side by side', () => {
  expect(readMap(raw({ name: { ko: '태화동', en: 'Taehwa-dong' } })).towns.features[0]?.properties).toMatchObject({ name_ko: '태화동', name_en: 'Taehwa-dong', people: 2 });
  expect(readMap(raw({ name_ko: '태화동', name_en: 'Taehwa-dong' })).towns.features[0]?.properties.name_en).toBe('Taehwa-dong');
});

test('a city without coast or river has empty layers', () => {
  expect(readMap(raw({})).coast.features).toEqual([]);
  expect(readMap(raw({})).river.features).toEqual([]);
});
