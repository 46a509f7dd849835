# SPDX-License-Identifier: Apache-2.0
"""Each requirement of OGC 17-069r4 (Features, Part 1: Core 1.0.1), whether it is served, and its tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cheoyong.faces.ogc_common.requirement import Requirement, not_yet, shown

_BASE = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/"
_PAGES = "test_the_landing_page_leads_to_everything"
_BBOX = ("test_a_bbox_finds_what_shapely_finds", "test_a_bbox_may_cross_the_antimeridian")
_TIME = "test_datetime_finds_datastreams_observed_then_with_open_ends"
_PAGING = "test_pages_show_each_item_once_and_the_last_has_no_next"
_COLLECTIONS = "test_each_collection_says_id_extent_crs_and_items"
_ONE = "test_one_item_has_its_links"
_WRONG = "test_R9_each_wrong_parameter_is_400_with_field_rule_and_mend"
_API = "test_the_description_is_openapi_3_0_and_names_every_path_served"

CLASSES: Mapping[str, Sequence[Requirement]] = {
    _BASE + "core": (
        shown("/req/core/root-op", _PAGES),
        shown("/req/core/root-success", _PAGES),
        shown("/req/core/api-definition-op", _API),
        shown("/req/core/api-definition-success", _API),
        shown("/req/core/conformance-op", _PAGES),
        shown("/req/core/conformance-success", _PAGES, "test_the_conformance_page_claims_what_is_shown"),
        shown("/req/core/http", "test_head_is_answered_and_other_methods_are_405_by_name",
              "test_what_the_client_has_already_is_not_sent_again"),
        shown("/req/core/query-param-unknown", _WRONG),
        shown("/req/core/query-param-invalid", _WRONG),
        shown("/req/core/crs84", "test_the_geometry_of_a_thing_is_that_of_its_first_location_as_stored"),
        shown("/req/core/fc-md-op", _COLLECTIONS),
        shown("/req/core/fc-md-success", _COLLECTIONS),
        shown("/req/core/fc-md-links", _COLLECTIONS),
        shown("/req/core/fc-md-items", _COLLECTIONS),
        shown("/req/core/fc-md-items-links", _COLLECTIONS),
        shown("/req/core/fc-md-extent", _COLLECTIONS),
        shown("/req/core/fc-md-extent-multi", _COLLECTIONS),
        shown("/req/core/sfc-md-op", _COLLECTIONS),
        shown("/req/core/sfc-md-success", _COLLECTIONS),
        shown("/req/core/fc-op", _PAGING),
        shown("/req/core/fc-limit-definition", _API, _PAGING),
        shown("/req/core/fc-limit-response-1", _PAGING),
        shown("/req/core/fc-bbox-definition", _API, *_BBOX),
        shown("/req/core/fc-bbox-response", *_BBOX, "test_heights_of_a_bbox_count_where_a_place_has_one"),
        shown("/req/core/fc-time-definition", _API, _TIME),
        shown("/req/core/fc-time-response", _TIME, "test_things_have_no_time_so_datetime_leaves_none_out"),
        shown("/req/core/fc-response", _PAGING),
        shown("/req/core/fc-links", _PAGING),
        shown("/req/core/fc-rel-type", _PAGING),
        shown("/req/core/fc-timeStamp", _PAGING),
        shown("/req/core/fc-numberMatched", _PAGING),
        shown("/req/core/fc-numberReturned", _PAGING),
        shown("/req/core/f-op", _ONE),
        shown("/req/core/f-success", _ONE),
        shown("/req/core/f-links", _ONE),
    ),
    _BASE + "geojson": (
        shown("/req/geojson/definition", _PAGING, _ONE),
        shown("/req/geojson/content", _PAGING, _ONE),
    ),
    _BASE + "oas30": (
        shown("/req/oas30/oas-definition-1", _API),
        shown("/req/oas30/oas-definition-2", _API),
        shown("/req/oas30/oas-impl", "test_the_service_answers_as_its_description_says"),
        shown("/req/oas30/completeness", "test_the_service_answers_as_its_description_says"),
        shown("/req/oas30/exceptions-codes", "test_the_service_answers_as_its_description_says"),
        shown("/req/oas30/security", _API),
    ),
    _BASE + "html": (not_yet("/req/html/definition", "answers are JSON only"),),
    _BASE + "gmlsf0": (not_yet("/req/gmlsf0/definition", "answers are JSON only"),),
    _BASE + "gmlsf2": (not_yet("/req/gmlsf2/definition", "answers are JSON only"),),
}  # fmt: skip
