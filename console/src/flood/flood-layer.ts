// SPDX-License-Identifier: Apache-2.0
// The map's flood layer: one picture between its four corners, in classes that are not blurred, and the chosen place.
import type { GeoJSONSource, ImageSource, Map as MapLibre } from 'maplibre-gl';
import type { Theme } from '../state/view.svelte';
import { BRIGHTNESS } from './flood';

export interface FloodScene {
  /** Address of the picture; null while there is none to show. */
  url: string | null;
  corners: [number, number][];
  place: [number, number] | null;
}

type Corners = [[number, number], [number, number], [number, number], [number, number]];
const FLOOD = 'flood';
const PLACE = 'flood-place';
/** Which towns a level reaches is drawn only where floods are not: their lines would hide the streets. */
const AFFECTED = ['affected-fill', 'affected-edge', 'affected-line'];
/** Gauges and groups of them are chosen by a click themselves. */
const CHOSEN_FIRST = ['gauges', 'clusters', 'sensors'];

/** Shows the scene; null takes it away, and brings back what `levels` draw. The style may just have been loaded, or have it all already. */
export function showFlood(map: MapLibre, scene: FloodScene | null, theme: Theme, levels: boolean): void {
  if (!map.getSource(PLACE)) addPlace(map, theme);
  if (scene?.url) showPicture(map, scene.url, scene.corners as Corners, theme);
  if (map.getLayer(FLOOD)) map.setLayoutProperty(FLOOD, 'visibility', scene?.url ? 'visible' : 'none');
  for (const layer of AFFECTED) map.setLayoutProperty(layer, 'visibility', scene || !levels ? 'none' : 'visible');
  map.getSource<GeoJSONSource>(PLACE)?.setData(
    scene?.place ? { type: 'Feature', properties: {}, geometry: { type: 'Point', coordinates: scene.place } } : { type: 'FeatureCollection', features: [] },
  );
}

function showPicture(map: MapLibre, url: string, coordinates: Corners, theme: Theme): void {
  const source = map.getSource<ImageSource>(FLOOD);
  if (source) {
    if (source.url !== url) source.updateImage({ url, coordinates });
    return;
  }
  map.addSource(FLOOD, { type: 'image', url, coordinates });
  const { min, max } = BRIGHTNESS[theme];
  const paint = { 'raster-resampling': 'nearest', 'raster-fade-duration': 0, 'raster-brightness-min': min, 'raster-brightness-max': max } as const;
  map.addLayer({ id: FLOOD, type: 'raster', source: FLOOD, paint }, 'river');
}

function addPlace(map: MapLibre, theme: Theme): void {
  const [ink, paper] = theme === 'dark' ? ['#ffffff', '#11171a'] : ['#12181b', '#ffffff'];
  map.addSource(PLACE, { type: 'geojson', data: { type: 'FeatureCollection', features: [] } });
  const ring = (id: string, radius: number, colour: string, width: number) =>
    map.addLayer({ id, type: 'circle', source: PLACE, paint: { 'circle-radius': radius, 'circle-color': 'transparent', 'circle-stroke-color': colour, 'circle-stroke-width': width } }, 'clusters');
  ring('flood-place-edge', 7, paper, 5);
  ring('flood-place-ring', 8, ink, 2.4);
}

/** A click on the map itself, not on one of its marks, tells the place. */
export function onPlace(map: MapLibre, wanted: () => boolean, tell: (longitude: number, latitude: number) => void): void {
  map.on('click', ({ point, lngLat }) => {
    if (!wanted()) return;
    const layers = CHOSEN_FIRST.filter((layer) => map.getLayer(layer));
    if (!map.queryRenderedFeatures(point, { layers }).length) tell(lngLat.lng, lngLat.lat);
  });
}
