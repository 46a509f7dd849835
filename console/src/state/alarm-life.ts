// SPDX-License-Identifier: Apache-2.0
// The life of an alarm, as the server's table has it (cheoyong/respond/alarm_life.py; a test compares them). Pure.

export type AlarmState = 'raised' | 'returned' | 'acknowledged' | 'suppressed' | 'shelved' | 'out_of_service' | 'out_of_service_calm';
type Over = 'cleared' | 'withdrawn';

/** `state step` → the state after it; what is not here changes nothing. */
export const TABLE: Record<string, AlarmState | Over> = {
  'raised acknowledged': 'acknowledged',
  'raised escalated': 'raised',
  'raised suppressed': 'suppressed',
  'raised shelved': 'shelved',
  'raised removed': 'out_of_service',
  'raised cleared': 'returned',
  'raised withdrawn': 'withdrawn',
  'acknowledged suppressed': 'suppressed',
  'acknowledged shelved': 'shelved',
  'acknowledged removed': 'out_of_service',
  'acknowledged cleared': 'cleared',
  'acknowledged withdrawn': 'withdrawn',
  'returned acknowledged': 'cleared',
  'returned removed': 'out_of_service_calm',
  'returned raised': 'raised',
  'returned withdrawn': 'withdrawn',
  'returned lapsed': 'cleared',
  'suppressed unsuppressed': 'raised',
  'suppressed downgraded': 'acknowledged',
  'suppressed shelved': 'shelved',
  'suppressed removed': 'out_of_service',
  'suppressed cleared': 'cleared',
  'suppressed withdrawn': 'withdrawn',
  'shelved unshelved': 'raised',
  'shelved removed': 'out_of_service',
  'shelved cleared': 'cleared',
  'shelved withdrawn': 'withdrawn',
  'out_of_service restored': 'raised',
  'out_of_service cleared': 'out_of_service_calm',
  'out_of_service withdrawn': 'out_of_service_calm',
  'out_of_service_calm restored': 'cleared',
  'out_of_service_calm raised': 'out_of_service',
  'out_of_service_calm lapsed': 'cleared',
  'cleared raised': 'raised',
  'cleared withdrawn': 'withdrawn',
  'withdrawn raised': 'raised',
  'withdrawn cleared': 'cleared',
};

/** What asks to be acknowledged. */
export const unseen = (state: AlarmState): boolean => state === 'raised' || state === 'returned';
/** What a person has put out of the way, for a while or until further notice. */
export const aside = (state: AlarmState): boolean => state === 'shelved' || outOfService(state);
export const outOfService = (state: AlarmState): boolean => state === 'out_of_service' || state === 'out_of_service_calm';
