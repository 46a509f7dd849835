// SPDX-License-Identifier: Apache-2.0
// The map's style: sea, land, towns, coast, river and the places for what changes. No glyph or tile address: fonts are local.
import type { StyleSpecification } from 'maplibre-gl';
import type { CityMap, Language } from '../state/facts';
import { clusterLayout, gaugeSource } from './clusters';
import type { Theme } from '../state/view.svelte';

const PAPER = {
  light: { ground: '#e4e9eb', land: '#f7f8f8', town: '#cdd5d9', coast: '#8a979e', river: '#8fa9b5', ink: '#12181b', soft: '#5f6b72', halo: '#ffffff' },
  dark: { ground: '#0d1316', land: '#1a2227', town: '#2e3a41', coast: '#5a6b74', river: '#4f7383', ink: '#e9eff1', soft: '#93a1a9', halo: '#11171a' },
} as const;

const REGULAR = ['Pretendard'];
const STRONG = ['Pretendard SemiBold'];

/** The whole style for a theme and a language; the lists of gauges and affected towns are filled in later. */
export function mapStyle(facts: CityMap, theme: Theme, language: Language): StyleSpecification {
  const paper = PAPER[theme];
  const name = ['get', language === 'ko' ? 'name_ko' : 'name_en'];
  const label = { 'text-color': paper.soft, 'text-halo-color': paper.halo, 'text-halo-width': 1.4 };
  const none = ['in', ['get', 'code'], ['literal', []]];
  return {
    version: 8,
    sources: {
      towns: { type: 'geojson', data: facts.towns },
      coast: { type: 'geojson', data: facts.coast },
      river: { type: 'geojson', data: facts.river },
      gauges: gaugeSource(facts.gauges.length),
    },
    layers: [
      { id: 'ground', type: 'background', paint: { 'background-color': paper.ground } },
      { id: 'land', type: 'fill', source: 'towns', paint: { 'fill-color': paper.land } },
      { id: 'towns', type: 'line', source: 'towns', paint: { 'line-color': paper.town, 'line-width': 1 } },
      { id: 'coast', type: 'line', source: 'coast', paint: { 'line-color': paper.coast, 'line-width': 1.2 } },
      { id: 'affected-fill', type: 'fill', source: 'towns', filter: none, paint: { 'fill-color': '#f57c00', 'fill-opacity': 0.18 } },
      { id: 'affected-edge', type: 'line', source: 'towns', filter: none, layout: { 'line-join': 'round' }, paint: { 'line-color': paper.ink, 'line-width': 3.4 } },
      { id: 'affected-line', type: 'line', source: 'towns', filter: none, layout: { 'line-join': 'round' }, paint: { 'line-color': '#f57c00', 'line-width': 1.8 } },
      { id: 'river', type: 'line', source: 'river', layout: { 'line-cap': 'round', 'line-join': 'round' }, paint: { 'line-color': paper.river, 'line-width': 2.6, 'line-dasharray': [2.4, 1.6] } },
      { id: 'town-names', type: 'symbol', source: 'towns', minzoom: 10.6, layout: { 'text-field': name, 'text-font': REGULAR, 'text-size': 11, 'text-padding': 6 }, paint: label },
      { id: 'affected-names', type: 'symbol', source: 'towns', filter: none, layout: { 'text-field': name, 'text-font': STRONG, 'text-size': 12, 'text-padding': 2 }, paint: { ...label, 'text-color': paper.ink } },
      {
        id: 'clusters',
        type: 'symbol',
        source: 'gauges',
        filter: ['has', 'point_count'],
        layout: clusterLayout,
        paint: { 'text-color': ['match', ['get', 'worst'], [1, 4], '#ffffff', [2, 3], '#000000', paper.ink] },
      },
      {
        id: 'gauges',
        type: 'symbol',
        source: 'gauges',
        filter: ['!', ['has', 'point_count']],
        layout: {
          'icon-image': ['get', 'image'],
          'icon-allow-overlap': true,
          'icon-ignore-placement': false,
          'symbol-sort-key': ['get', 'order'],
          'text-field': ['get', 'label'],
          'text-font': STRONG,
          'text-size': 13,
          'text-line-height': 1.15,
          'text-variable-anchor': ['left', 'right', 'top', 'bottom', 'top-left', 'bottom-left', 'top-right', 'bottom-right'],
          'text-radial-offset': 1.15,
          'text-justify': 'auto',
          'text-optional': true,
          'text-padding': 1,
        },
        paint: { 'text-color': paper.ink, 'text-halo-color': paper.halo, 'text-halo-width': 2 },
      },
    ] as StyleSpecification['layers'],
  };
}
