// SPDX-License-Identifier: Apache-2.0
// Many gauges as few marks: neighbours stand together under the shape and colour of the worst among them, and how many they are.
import type { GeoJSONSourceSpecification } from 'maplibre-gl';

/** A city with fewer gauges shows each by itself. */
export const CLUSTER_FROM = 100;
/** From this zoom on every gauge stands by itself. */
export const APART_ZOOM = 14;

/** The source of the gauges; `worst` and `heard` are worked out for each cluster from the gauges in it. */
export function gaugeSource(gauges: number): GeoJSONSourceSpecification {
  const data = { type: 'FeatureCollection' as const, features: [] };
  if (gauges < CLUSTER_FROM) return { type: 'geojson', data };
  return {
    type: 'geojson',
    data,
    cluster: true,
    clusterRadius: 46,
    clusterMaxZoom: APART_ZOOM - 1,
    clusterMinPoints: 3,
    clusterProperties: { worst: ['max', ['get', 'level']], heard: ['max', ['case', ['get', 'stale'], 0, 1]] },
  };
}

/** The layout of a cluster: its mark by the worst gauge, hatched when none of them is heard, the number in it. */
export const clusterLayout = {
  'icon-image': ['concat', 'c', ['get', 'worst'], ['case', ['==', ['get', 'heard'], 0], 's', '']],
  'icon-allow-overlap': true,
  'icon-ignore-placement': false,
  'symbol-sort-key': ['-', 0, ['get', 'worst']],
  'text-field': ['to-string', ['get', 'point_count_abbreviated']],
  'text-font': ['Pretendard SemiBold'],
  'text-size': 13,
  'text-allow-overlap': true,
} as const;
