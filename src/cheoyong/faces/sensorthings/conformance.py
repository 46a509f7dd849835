# SPDX-License-Identifier: Apache-2.0
"""Each requirement of OGC 18-088, whether it is served, and the tests that show it.

The landing page lists what is ``served`` here; a test fails when a served one names no existing test.
A requirement that is served in part is not served: ``missing`` says what is not there yet.
"""

from __future__ import annotations

from dataclasses import dataclass

_BASE = "http://www.opengis.net/spec/iot_sensing/1.1/req/"
_CREATE_OVER_MQTT = "create-observations-via-mqtt/observations-creation"
CREATE_OVER_MQTT = _BASE + _CREATE_OVER_MQTT
_RECEIVE_OVER_MQTT = "receive-updates-via-mqtt/receive-updates"
RECEIVE_OVER_MQTT = _BASE + _RECEIVE_OVER_MQTT
OVER_MQTT = (CREATE_OVER_MQTT, RECEIVE_OVER_MQTT)  # the landing page names the endpoint under each


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement: its name below the standard's base, the tests that show it or what is missing."""

    name: str
    tests: tuple[str, ...] = ()
    missing: str = ""

    @property
    def identifier(self) -> str:
        """The identifier in the standard (a URI); an extension's name is its own."""
        return self.name if "://" in self.name else _BASE + self.name

    @property
    def served(self) -> bool:
        """Whether all of it is served."""
        return not self.missing


def _shown(name: str, *tests: str) -> Requirement:
    return Requirement(name, tests)


def _not_yet(name: str, missing: str) -> Requirement:
    return Requirement(name, (), missing)


_HISTORY = "test_moving_a_thing_writes_where_it_has_been"
_BY_HAND = "test_a_historical_location_can_be_written_by_hand_and_the_newest_is_where_the_thing_is"
_SHAPES = "test_every_entity_type_shows_its_properties_of_the_standard"
_LINKS = "test_every_navigation_link_of_every_entity_leads_somewhere"

REQUIREMENTS: tuple[Requirement, ...] = (
    _shown(
        "datamodel/entity-control-information/common-control-information",
        "test_every_entity_shows_id_and_self_link_and_navigation_links",
    ),
    _shown("datamodel/thing/properties", _SHAPES),
    _shown("datamodel/thing/relations", _LINKS),
    _shown("datamodel/location/properties", _SHAPES),
    _shown("datamodel/location/relations", _LINKS),
    _shown("datamodel/historical-location/properties", _SHAPES),
    _shown("datamodel/historical-location/relations", _LINKS),
    _shown("datamodel/datastream/properties", _SHAPES),
    _shown("datamodel/datastream/relations", _LINKS),
    _shown("datamodel/sensor/properties", _SHAPES),
    _shown("datamodel/sensor/relations", _LINKS),
    _shown("datamodel/observed-property/properties", _SHAPES),
    _shown("datamodel/observed-property/relations", _LINKS),
    _shown("datamodel/observation/properties", _SHAPES, "test_an_observation_of_an_interval_shows_both_ends"),
    _shown("datamodel/observation/relations", _LINKS),
    _shown("datamodel/feature-of-interest/properties", _SHAPES),
    _shown(
        "datamodel/feature-of-interest/relations",
        _LINKS,
        "test_an_observation_without_a_feature_is_of_the_place_of_its_thing_and_nothing_is_written",
    ),
    _shown(
        "resource-path/resource-path-to-entities",
        "test_a_path_leads_over_several_hops",
        "test_a_property_and_its_raw_value_have_addresses",
        "test_ref_lists_links_only",
        "test_a_path_through_a_wrong_owner_is_not_found",
    ),
    _shown("request-data/order", "test_options_are_applied_filter_before_count_before_paging"),
    _shown(
        "request-data/expand",
        "test_expand_goes_several_levels_with_options_inside",
        "test_expand_asks_once_for_each_level",
    ),
    _shown("request-data/select", "test_select_shows_only_what_is_named"),
    _shown("request-data/status-code", "test_what_is_not_served_is_501_and_what_is_wrong_is_400"),
    _shown("request-data/query-status-code", "test_what_is_not_served_is_501_and_what_is_wrong_is_400"),
    _shown(
        "request-data/orderby",
        "test_orderby_sorts_both_ways_with_null_first_ascending_and_last_descending",
        "test_orderby_sorts_by_properties_of_related_entities",
    ),
    _shown("request-data/top", "test_top_is_bounded_by_the_server"),
    _shown("request-data/skip", "test_pages_linked_by_next_link_show_each_entity_once_and_end"),
    _shown("request-data/count", "test_options_are_applied_filter_before_count_before_paging"),
    _shown(
        "request-data/filter",
        "test_any_filter_finds_what_plain_python_finds",
        "test_a_filter_of_things_finds_what_plain_python_finds",
        "test_a_filter_of_observations_finds_what_plain_python_finds",
        "test_a_filter_over_related_entities_finds_what_plain_python_finds",
    ),
    _shown(
        "request-data/built-in-filter-operations",
        "test_any_filter_finds_what_plain_python_finds",
        "test_a_filter_of_things_finds_what_plain_python_finds",
        "test_functions_and_arithmetic_find_what_plain_python_finds",
        "test_operators_bind_as_in_odata",
    ),
    _shown(
        "request-data/built-in-query-functions",
        "test_any_filter_finds_what_plain_python_finds",
        "test_functions_and_arithmetic_find_what_plain_python_finds",
        "test_a_filter_of_geometry_finds_what_shapely_finds",
        "test_hand_cases_of_geometry_in_degrees",
        "test_things_are_found_by_where_they_stand_and_what_they_observe",
        "test_observations_are_found_by_their_feature_and_by_the_place_that_stands_for_it",
        "test_orderby_sorts_by_distance_with_those_nowhere_first_ascending",
    ),
    _shown(
        "request-data/pagination",
        "test_pages_linked_by_next_link_show_each_entity_once_and_end",
        "test_pages_together_are_the_unpaged_answer_for_any_order_filter_and_size",
        "test_rows_that_come_and_go_between_pages_neither_hide_nor_double_another",
    ),
    _shown("create-update-delete/create-entity", "test_each_entity_type_can_be_created_and_read_back"),
    _shown(
        "create-update-delete/link-to-existing-entities",
        "test_a_datastream_links_to_existing_entities",
        "test_S08_a_link_to_another_organisations_entity_is_not_found",
    ),
    _shown(
        "create-update-delete/deep-insert",
        "test_a_deep_insert_stores_the_whole_tree",
        "test_a_deep_insert_with_a_fault_stores_nothing",
        "test_an_observation_brings_its_feature_along",
        "test_an_observation_brings_its_datastream_along",
        "test_a_fault_anywhere_stores_nothing",
    ),
    _shown("create-update-delete/deep-insert-status-code", "test_a_deep_insert_stores_the_whole_tree"),
    _shown(
        "create-update-delete/update-entity",
        "test_a_patch_changes_what_it_names_and_nothing_else",
        "test_a_patch_merges_objects_to_any_depth_and_replaces_what_is_one_thing",
        "test_an_observation_can_be_changed_and_what_it_said_is_kept",
        "test_links_can_be_linked_anew_from_either_end",
    ),
    _shown(
        "create-update-delete/update-entity-put",
        "test_a_put_replaces_all_properties_and_keeps_links",
        "test_an_observation_can_be_put_and_given_another_datastream_and_feature",
    ),
    _shown(
        "create-update-delete/update-entity-jsonpatch",
        "test_a_json_patch_changes_an_entity_or_nothing",
        "test_the_examples_of_the_rfc_give_the_answers_of_the_rfc",
    ),
    _shown(
        "create-update-delete/delete-entity",
        "test_a_deletion_takes_with_it_what_the_standard_says",
    ),
    _shown("create-update-delete/historical-location-auto-creation", _HISTORY),
    _shown("create-update-delete/historical-location-manual-creation", _BY_HAND),
    _shown(
        "batch-request/batch-request",
        "test_a_multipart_batch_reads_and_changes_and_each_part_has_its_own_status",
        "test_a_change_set_links_to_what_it_creates",
        "test_a_change_set_that_fails_stores_nothing_and_has_one_answer",
        "test_a_change_set_holds_entities_and_observations_and_is_all_or_nothing",
        "test_nested_observations_of_a_group_are_stored_with_it",
    ),
    _shown(
        "multi-datastream/properties",
        _SHAPES,
        "test_a_multi_datastream_is_stored_inside_a_thing_with_all_that_hangs_on_it",
        "test_filters_orders_and_selections_reach_multi_datastreams",
    ),
    _shown(
        "multi-datastream/relations",
        _LINKS,
        "test_every_link_of_a_multi_datastream_leads_there_and_back",
        "test_a_multi_datastream_goes_with_each_of_its_owners_and_takes_its_observations",
    ),
    _shown(
        "multi-datastream/constraints",
        "test_types_units_and_properties_are_as_many_as_each_other",
        "test_the_observed_properties_keep_the_order_of_the_parts",
        "test_a_result_is_an_array_with_a_part_of_the_right_type_for_each_property",
        "test_a_multi_datastream_is_changed_and_keeps_its_constraints",
    ),
    _shown(
        "data-array/data-array",
        "test_observations_are_written_and_read_as_data_arrays",
        "test_a_page_of_several_datastreams_is_an_array_of_each",
        "test_a_bad_row_is_told_and_the_good_ones_are_stored",
        "test_the_answers_stand_in_the_order_of_the_rows_over_several_arrays",
    ),
    _shown(
        _CREATE_OVER_MQTT,
        "test_an_observation_is_created_at_either_topic_of_the_standard",
        "test_S08_devices_of_every_organisation_publish_to_the_set_of_all_and_only_into_their_own",
        "test_the_landing_page_names_an_mqtt_endpoint_that_a_client_can_sign_in_to",
    ),
    _shown(
        _RECEIVE_OVER_MQTT,
        "test_an_observation_is_told_at_its_datastream_and_at_the_set_of_all_as_get_shows_it",
        "test_an_entity_created_is_told_at_its_set_and_one_changed_at_its_topic_and_its_properties",
        "test_an_observation_that_is_changed_is_told_at_its_set_and_its_own_topic",
        "test_S08_nobody_hears_another_organisation_by_any_topic_or_wildcard",
        "test_the_landing_page_names_an_mqtt_endpoint_that_a_client_can_sign_in_to",
    ),
)


# What others have added to the standard, by the identifiers that their descriptions give.
EXTENSIONS: tuple[Requirement, ...] = (
    _shown(
        "https://github.com/INSIDE-information-systems/SensorThingsAPI/blob/master/CSV-ResultFormat/CSV-ResultFormat.md",
        "test_observations_as_a_table_with_their_datastream",
        "test_every_entity_set_is_a_table_and_features_with_the_values_of_its_json",
        "test_objects_with_known_members_have_columns_and_others_are_json",
    ),
    _shown(
        "https://fraunhoferiosb.github.io/FROST-Server/extensions/GeoJSON-ResultFormat.html",
        "test_a_feature_has_the_first_geometry_of_its_entity_or_what_is_expanded",
        "test_every_entity_set_is_a_table_and_features_with_the_values_of_its_json",
    ),
    _shown(
        "https://fraunhoferiosb.github.io/FROST-Server/extensions/JsonBatchRequest.html",
        "test_a_json_batch_answers_by_id_and_groups_are_atomic",
        "test_observations_can_follow_in_the_same_batch_the_datastream_that_a_group_makes",
    ),
)


def served_identifiers() -> list[str]:
    """What the landing page claims."""
    return [requirement.identifier for requirement in (*REQUIREMENTS, *EXTENSIONS) if requirement.served]
