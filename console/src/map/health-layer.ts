// SPDX-License-Identifier: Apache-2.0
// The map's second face: sensors by their state instead of levels, and hatching over what nothing sees.
import type { FilterSpecification, GeoJSONSource, Map as MapLibre } from 'maplibre-gl';
import type { SensorState } from '../state/evidence';
import type { Theme } from '../state/view.svelte';
import { blindImage, sensorImage, SHAPES } from './sensor-shapes';

export interface SensorMark {
  id: number | null;
  series: string;
  longitude: number;
  latitude: number;
  label: string;
  state: SensorState;
}

export interface HealthScene {
  sensors: SensorMark[];
  /** Codes of towns that nothing sees. */
  blind: string[];
}

const LAYERS = ['blind-fill', 'blind-edge', 'sensors'];
const LEVELS = ['gauges', 'clusters', 'affected-fill', 'affected-edge', 'affected-line', 'affected-names'];

/** Adds what the layer needs to a style that has just been loaded; nothing is seen of it yet. */
export function addHealth(map: MapLibre, theme: Theme): void {
  const dark = theme === 'dark';
  for (const state of Object.keys(SHAPES) as SensorState[]) map.addImage(`s-${state}`, sensorImage(state, dark), { pixelRatio: 2 });
  map.addImage('blind', blindImage(dark), { pixelRatio: 2 });
  map.addSource('sensors', { type: 'geojson', data: { type: 'FeatureCollection', features: [] } });
  const layout = { visibility: 'none' } as const;
  const none = filterOf([]);
  map.addLayer({ id: 'blind-fill', type: 'fill', source: 'towns', filter: none, layout, paint: { 'fill-pattern': 'blind' } }, 'river');
  map.addLayer({ id: 'blind-edge', type: 'line', source: 'towns', filter: none, layout, paint: { 'line-color': dark ? '#97a5ac' : '#59656c', 'line-width': 1.2 } }, 'river');
  map.addLayer({
    id: 'sensors',
    type: 'symbol',
    source: 'sensors',
    layout: {
      ...layout,
      'icon-image': ['concat', 's-', ['get', 'state']],
      'icon-allow-overlap': true,
      'text-field': ['get', 'label'],
      'text-font': ['Pretendard SemiBold'],
      'text-size': 12,
      'text-variable-anchor': ['left', 'right', 'top', 'bottom'],
      'text-radial-offset': 1,
      'text-justify': 'auto',
      'text-optional': true,
    },
    paint: { 'text-color': dark ? '#e9eff1' : '#12181b', 'text-halo-color': dark ? '#11171a' : '#ffffff', 'text-halo-width': 2 },
  });
}

/** Shows the scene; null brings the levels back. */
export function showHealth(map: MapLibre, scene: HealthScene | null): void {
  for (const layer of LAYERS) map.setLayoutProperty(layer, 'visibility', scene ? 'visible' : 'none');
  for (const layer of LEVELS) map.setLayoutProperty(layer, 'visibility', scene ? 'none' : 'visible');
  if (!scene) return;
  for (const layer of ['blind-fill', 'blind-edge']) map.setFilter(layer, filterOf(scene.blind));
  map.getSource<GeoJSONSource>('sensors')?.setData({
    type: 'FeatureCollection',
    features: scene.sensors.map(({ id, series, longitude, latitude, label, state }) => ({
      type: 'Feature',
      geometry: { type: 'Point', coordinates: [longitude, latitude] },
      properties: { id, series, label, state },
    })),
  });
}

const filterOf = (codes: string[]) => ['in', ['get', 'code'], ['literal', codes]] as unknown as FilterSpecification;
