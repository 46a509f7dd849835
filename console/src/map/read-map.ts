// SPDX-License-Identifier: Apache-2.0
// Reads the server's map into the console's: names of towns side by side, layers that may be missing as empty. Pure.
import type { CityMap, TownProperties, Words } from '../state/facts';

type RawTown = Omit<TownProperties, 'name_ko' | 'name_en'> & { name?: Partial<Words>; name_ko?: string; name_en?: string };

/** The map as it comes over the wire. */
export interface RawMap extends Omit<CityMap, 'towns' | 'coast' | 'river'> {
  towns: GeoJSON.FeatureCollection<GeoJSON.Polygon | GeoJSON.MultiPolygon, RawTown>;
  coast?: CityMap['coast'];
  river?: CityMap['river'];
}

const none = (): CityMap['coast'] => ({ type: 'FeatureCollection', features: [] });

export function readMap(raw: RawMap): CityMap {
  return {
    ...raw,
    coast: raw.coast ?? none(),
    river: raw.river ?? none(),
    towns: { ...raw.towns, features: raw.towns.features.map((town) => ({ ...town, properties: readTown(town.properties) })) },
  };
}

function readTown({ name, name_ko, name_en, ...rest }: RawTown): TownProperties {
  return { ...rest, name_ko: name_ko ?? name?.ko ?? rest.code, name_en: name_en ?? name?.en ?? name?.ko ?? rest.code };
}
