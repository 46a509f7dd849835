# SPDX-License-Identifier: Apache-2.0
"""Each requirement of OGC 19-086r6 (EDR 1.1), whether it is served, and the tests that show it.

The class ``queries`` is not claimed, because only five of its kinds of query are served; which they are is
said here and in ``data_queries`` of the collection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cheoyong.faces.ogc_common.requirement import Requirement, not_yet, shown

_BASE = "http://www.opengis.net/spec/ogcapi-edr-1/1.1/conf/"
_COMMON_1 = "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core"
_COMMON_2 = "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/collections"
_PAGES = "test_the_landing_page_leads_to_everything"
_CONFORMANCE = "test_the_conformance_page_claims_what_is_shown"
_API = "test_the_description_is_openapi_3_0_and_names_every_path_served"
_AS_SAID = "test_the_service_answers_as_its_description_says"
_COLLECTION = "test_the_collection_is_what_the_models_of_another_hand_expect"
_PARAMETERS = "test_parameters_say_unit_and_observed_property"
_COVJSON = "test_coverages_are_what_the_models_of_another_hand_expect"
_GEOJSON = "test_values_as_geojson_stand_where_they_were_measured"
_LOCATIONS = "test_locations_say_where_there_is_what_since_when"
_WRONG = "test_R9_each_wrong_parameter_says_field_rule_and_mend"
_LINKS = "test_every_link_of_the_collection_leads_somewhere"

CLASSES: Mapping[str, Sequence[Requirement]] = {
    # What Core depends on, each class as a whole: its requirements come again below.
    _COMMON_1: (shown("/req/core", _PAGES, _CONFORMANCE, _API, _WRONG),),
    _COMMON_2: (shown("/req/collections", _COLLECTION, _LINKS),),
    _BASE + "core": (
        shown("/req/core/root-op", _PAGES),
        shown("/req/core/root-success", _PAGES),
        shown("/req/core/api-definition-op", _API),
        shown("/req/core/api-definition-success", _API),
        shown("/req/core/conformance", _CONFORMANCE),
        shown("/req/core/conformance-success", _CONFORMANCE),
        shown("/req/core/http", "test_what_the_client_has_already_is_not_sent_again"),
        shown("/req/core/crs84", _COVJSON, _LOCATIONS),
    ),
    _BASE + "collections": (
        shown("/req/collections/rc-md-op", _COLLECTION),
        shown("/req/collections/rc-md-success", _COLLECTION),
        shown("/req/collections/src-md-op", _COLLECTION),
        shown("/req/collections/src-md-success", _COLLECTION),
        shown("/req/edr/rc-collection-info", _COLLECTION),
        shown("/req/core/rc-collection-info-links", _LINKS),
        shown("/req/core/rc-extent", _COLLECTION),
        shown("/req/core/rc-md-query-links", _LINKS),
        shown("/req/edr/rc-crs", _LINKS),
        shown("/req/edr/rc-parameters", _PARAMETERS),
    ),
    _BASE + "json": (
        shown("/req/json/definition", _AS_SAID),
        shown("/req/json/content", _AS_SAID),
    ),
    _BASE + "geojson": (
        shown("/req/geojson/definition", _LOCATIONS, _GEOJSON),
        shown("/req/geojson/content", _LOCATIONS, _GEOJSON),
    ),
    _BASE + "edr-geojson": (
        shown("/req/edr-geojson/definition", _LOCATIONS, _GEOJSON),
        shown("/req/edr-geojson/content", _LOCATIONS, _GEOJSON),
    ),
    _BASE + "covjson": (
        shown("/req/covjson/definition", _COVJSON),
        shown("/req/covjson/content", _COVJSON),
    ),
    _BASE + "oas30": (
        shown("/req/oas30/oas-impl", _AS_SAID),
        shown("/req/oas30/oas-definition-1", _API),
        shown("/req/oas30/oas-definition-2", _API),
        shown("/req/oas30/completeness", _AS_SAID),
        shown("/req/oas30/exceptions-codes", _AS_SAID),
        shown("/req/oas30/security", _API),
    ),
    _BASE + "queries": (
        shown("/req/queries/position", "test_a_position_is_answered_by_the_nearest_gauge_within_reach"),
        shown("/req/edr/rc-area", "test_an_area_finds_what_shapely_finds"),
        shown("/req/edr/rc-cube", "test_a_cube_finds_what_stands_in_the_box"),
        shown("/req/queries/radius", "test_a_radius_is_geodesic"),
        shown("/req/edr/rc-locations", _LOCATIONS, "test_a_location_gives_all_that_was_measured_there"),
        not_yet("/req/edr/rc-trajectory", "no gauge moves"),
        not_yet("/req/edr/rc-corridor", "not served"),
        not_yet("/req/edr/rc-items", "not served; OGC API - Features at /ogc/features has the gauges"),
        not_yet("/req/instances/rc-md-op", "there is one instance: what was measured"),
        not_yet("/req/instances/rc-md-success", "there is one instance: what was measured"),
        not_yet("/req/instances/src-md-op", "there is one instance: what was measured"),
        not_yet("/req/instances/src-md-success", "there is one instance: what was measured"),
    ),
    _BASE + "html": (not_yet("/req/html/definition", "answers are not HTML"),),
}
