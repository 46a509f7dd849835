// SPDX-License-Identifier: Apache-2.0
// The city map on MapLibre: towns, coast, river and gauges, calm grey, nothing fetched from outside.
import { AttributionControl, Map as MapLibre, setWorkerUrl, type FilterSpecification, type GeoJSONSource, type MapGeoJSONFeature, type StyleSpecification } from 'maplibre-gl';
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url';
import 'maplibre-gl/dist/maplibre-gl.css';
import type { CityMap, CrisisLevel } from '../state/facts';
import type { Theme } from '../state/view.svelte';
import { CLUSTER_FROM } from './clusters';
import { addHealth, showHealth, type HealthScene } from './health-layer';
import { mapStyle } from './map-style';
import { clusterImage, symbolImage } from './crisis-canvas';
import { onPlace, showFlood, type FloodScene } from '../flood/flood-layer';

setWorkerUrl(workerUrl);

/** Of a large city, numbers alone are drawn anew so often; a level or a silence at once. Drawing thousands takes a while. */
const LABELS_MS = 5_000;

export interface GaugeMark {
  series: string;
  longitude: number;
  latitude: number;
  label: string;
  crisis_level: CrisisLevel;
  stale: boolean;
  picked: boolean;
}

export interface MapScene {
  theme: Theme;
  language: 'ko' | 'en';
  gauges: GaugeMark[];
  affected: { codes: string[]; crisis_level: CrisisLevel };
  attribution: string;
  /** Where the city is blind; null shows the levels. */
  health: HealthScene | null;
  /** What may stand under water; null shows nothing of it. */
  flood: FloodScene | null;
}

/** What a person does on the map. */
export interface MapHands {
  pick: (series: string) => void;
  place: (longitude: number, latitude: number) => void;
  /** The flood's picture could not be read. */
  unread: () => void;
}

export class CityMapView {
  #map: MapLibre;
  #facts: CityMap;
  #scene: MapScene;
  #ready = false;
  #styled = '';
  #attribution: AttributionControl | null = null;
  /** Until a person moves the map it shows the whole city, whatever room it is given. */
  #whole = true;
  #drawn: GaugeMark[] = [];
  #later: ReturnType<typeof setTimeout> | undefined;

  constructor(container: HTMLElement, facts: CityMap, scene: MapScene, hands: MapHands) {
    this.#facts = facts;
    this.#scene = scene;
    this.#styled = styleKey(scene);
    this.#map = new MapLibre({
      container,
      style: this.#style(),
      bounds: boundsOf(facts, scene),
      fitBoundsOptions: { padding: roomIn(container) },
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      renderWorldCopies: false,
      minZoom: 7,
      maxZoom: 16,
      localIdeographFontFamily: 'Pretendard, sans-serif',
      fadeDuration: 0,
    });
    this.#map.touchZoomRotate.disableRotation();
    this.#attribute();
    this.#map.on('style.load', () => {
      this.#images();
      addHealth(this.#map, this.#scene.theme);
      this.#ready = true;
      this.#apply();
    });
    for (const layer of ['gauges', 'sensors']) {
      this.#map.on('click', layer, (event) => {
        const series: unknown = event.features?.[0]?.properties.series;
        if (typeof series === 'string' && series) hands.pick(series);
      });
    }
    this.#map.on('movestart', (event) => {
      if (event.originalEvent) this.#whole = false;
    });
    onPlace(this.#map, () => this.#scene.flood !== null, hands.place);
    this.#map.on('error', (event) => {
      if ((event as { sourceId?: string }).sourceId === 'flood') hands.unread();
      else console.error(event.error);
    });
    this.#map.on('click', 'clusters', (event) => void this.#open(event.features?.[0]));
    for (const layer of ['gauges', 'clusters']) {
      this.#map.on('mouseenter', layer, () => (this.#map.getCanvas().style.cursor = 'pointer'));
      this.#map.on('mouseleave', layer, () => (this.#map.getCanvas().style.cursor = ''));
    }
    this.#map.once('idle', () => performance.mark('map-drawn'));
    this.#map.getCanvas().tabIndex = -1; // the table below is the way for keys
    this.#map.getCanvas().setAttribute('aria-hidden', 'true');
  }

  update(scene: MapScene): void {
    const before = this.#scene;
    this.#scene = scene;
    if (styleKey(scene) !== this.#styled) {
      this.#styled = styleKey(scene);
      this.#ready = false;
      this.#map.setStyle(this.#style(), { diff: false });
      this.#attribute();
    } else if (this.#ready) this.#apply(before);
  }

  /** Longitude and latitude of the middle of what is seen. */
  centre(): [number, number] {
    const { lng, lat } = this.#map.getCenter();
    return [lng, lat];
  }

  fit(): void {
    this.#whole = true;
    this.#map.fitBounds(boundsOf(this.#facts, this.#scene), { padding: roomIn(this.#map.getContainer()), animate: false });
  }

  zoom(by: number): void {
    this.#whole = false;
    this.#map.zoomTo(this.#map.getZoom() + by, { duration: 150 });
  }

  resize(): void {
    this.#map.resize();
    if (this.#whole) this.fit();
  }

  destroy(): void {
    clearTimeout(this.#later);
    this.#map.remove();
  }

  /** Zoom to where a cluster falls apart. */
  async #open(cluster: MapGeoJSONFeature | undefined): Promise<void> {
    const source = this.#map.getSource<GeoJSONSource>('gauges');
    if (!source || cluster?.geometry.type !== 'Point') return;
    this.#whole = false;
    const zoom = await source.getClusterExpansionZoom(Number(cluster.properties.cluster_id));
    this.#map.easeTo({ center: cluster.geometry.coordinates as [number, number], zoom, duration: 150 });
  }

  #style(): StyleSpecification {
    return mapStyle(this.#facts, this.#scene.theme, this.#scene.language);
  }

  /** Whose boundaries these are, in the screen's language. */
  #attribute(): void {
    if (this.#attribution) this.#map.removeControl(this.#attribution);
    this.#attribution = new AttributionControl({ compact: false, customAttribution: this.#scene.attribution });
    this.#map.addControl(this.#attribution, 'bottom-right');
  }

  #images(): void {
    const dark = this.#scene.theme === 'dark';
    for (const level of [0, 1, 2, 3, 4] as CrisisLevel[]) {
      for (const stale of [false, true]) {
        this.#map.addImage(`c${level}${stale ? 's' : ''}`, clusterImage(level, stale, dark), { pixelRatio: 2 });
        for (const picked of [false, true]) {
          const image = symbolImage(level, stale, picked, dark);
          this.#map.addImage(imageName(level, stale, picked), image, { pixelRatio: 2 });
        }
      }
    }
  }

  /** Draws the scene; of one like it stood `before`, only what is different. */
  #apply(before?: MapScene): void {
    const { gauges, affected } = this.#scene;
    if (!before) this.#setGauges();
    else if (!sameLooks(this.#drawn, gauges)) this.#setGauges();
    else if (!sameLabels(this.#drawn, gauges)) this.#later ??= setTimeout(() => this.#setGauges(), gauges.length < CLUSTER_FROM ? 0 : LABELS_MS);
    if (!before ? this.#scene.health : before.health !== this.#scene.health) showHealth(this.#map, this.#scene.health);
    if (before?.flood !== this.#scene.flood || before?.health !== this.#scene.health) showFlood(this.#map, this.#scene.flood, this.#scene.theme, this.#scene.health === null);
    if (before && this.#whole && grounds(before) !== grounds(this.#scene)) this.fit();
    if (before?.affected === affected) return;
    const filter = ['in', ['get', 'code'], ['literal', affected.codes]] as unknown as FilterSpecification;
    for (const layer of ['affected-fill', 'affected-edge', 'affected-line', 'affected-names']) this.#map.setFilter(layer, filter);
    this.#map.setPaintProperty('affected-fill', 'fill-color', crisisColour(affected.crisis_level));
    this.#map.setPaintProperty('affected-line', 'line-color', crisisColour(affected.crisis_level));
  }

  #setGauges(): void {
    clearTimeout(this.#later);
    this.#later = undefined;
    if (!this.#ready) return; // a new style is on its way, and its images with it
    const { gauges } = this.#scene;
    this.#drawn = gauges;
    this.#map.getSource<GeoJSONSource>('gauges')?.setData({
      type: 'FeatureCollection',
      features: gauges.map((gauge) => ({
        type: 'Feature',
        geometry: { type: 'Point', coordinates: [gauge.longitude, gauge.latitude] },
        properties: {
          series: gauge.series,
          label: gauge.label,
          image: imageName(gauge.crisis_level, gauge.stale, gauge.picked),
          order: -(gauge.crisis_level * 2 + (gauge.picked ? 1 : 0)),
          level: gauge.crisis_level,
          stale: gauge.stale,
        },
      })),
    });
  }
}

/** Room round the gauges for their labels and the legend, px. */
function roomIn(container: HTMLElement): { top: number; bottom: number; left: number; right: number } {
  const narrow = container.clientWidth < 500;
  return { top: 56, bottom: 30, left: narrow ? 84 : 40, right: narrow ? 84 : 104 };
}

const same = (before: GaugeMark[], now: GaugeMark[], by: (mark: GaugeMark, was: GaugeMark) => boolean): boolean =>
  before.length === now.length && now.every((mark, i) => by(mark, before[i]!));
const sameLooks = (before: GaugeMark[], now: GaugeMark[]) =>
  same(before, now, (mark, was) => mark.crisis_level === was.crisis_level && mark.stale === was.stale && mark.picked === was.picked && mark.series === was.series);
const sameLabels = (before: GaugeMark[], now: GaugeMark[]) => same(before, now, (mark, was) => mark.label === was.label);
const imageName = (level: CrisisLevel, stale: boolean, picked: boolean) => `g${level}${stale ? 's' : ''}${picked ? 'p' : ''}`;
/** On which ground floods are shown, if any. */
const grounds = (scene: MapScene) => String(scene.flood?.corners);
const styleKey = (scene: MapScene) => `${scene.theme} ${scene.language}`;
const crisisColour = (level: CrisisLevel) => ['#5d6a72', '#1f5fbf', '#ffd400', '#f57c00', '#b3001b'][level]!;

/** The box round the gauges and the affected towns, or round the ground of a flood, a little wider than they are. */
function boundsOf(facts: CityMap, scene: MapScene): [number, number, number, number] {
  if (scene.flood?.corners.length) return boxOf(scene.flood.corners);
  const points: [number, number][] = facts.gauges.map((gauge) => [gauge.longitude, gauge.latitude]);
  const along = new Set([...scene.affected.codes, ...facts.reaches.flatMap((reach) => reach.towns)]);
  for (const town of facts.towns.features) {
    if (!along.has(town.properties.code)) continue;
    const rings = town.geometry.type === 'Polygon' ? town.geometry.coordinates : town.geometry.coordinates.flat();
    for (const [x, y] of rings.flat()) points.push([x!, y!]);
  }
  return points.length ? boxOf(points) : [129.0, 35.4, 129.5, 35.7];
}

function boxOf(points: [number, number][]): [number, number, number, number] {
  const [xs, ys] = [points.map((p) => p[0]), points.map((p) => p[1])];
  return [Math.min(...xs) - 0.01, Math.min(...ys) - 0.01, Math.max(...xs) + 0.01, Math.max(...ys) + 0.01];
}
