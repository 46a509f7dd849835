// SPDX-License-Identifier: Apache-2.0
// The fake's warnings: draft, edit, submit, approve by another, send back, cancel, update. Texts are hand-made.
import { createHash, randomUUID } from 'node:crypto';
import { city, HOUR, PEOPLE } from './world.mjs';

export class Refused extends Error {
  constructor(status, detail, code = 'refused', mend = '') {
    super(detail);
    Object.assign(this, { status, detail, code, mend });
  }
}

const texts = (status, change = '') => {
  const mark = status === 'Actual' ? ['', ''] : ['[훈련] ', '[EXERCISE] '];
  return [
    { language: 'ko-KR', event: '홍수주의보', headline: `${mark[0]}태화강 태화교 홍수주의보`, description: `울산광역시는 태화강 태화교 수위가 3시간 안에 4.5 m에 이를 것으로 봅니다.${change} 둔치, 지하차도, 저지대 주차장이 물에 잠길 수 있습니다.`, instruction: '둔치와 지하차도에 들어가지 마십시오. 저지대의 차를 높은 곳으로 옮기고, 대피 안내에 따라 주십시오.', area: '태화강 하류: 10개 동' },
    { language: 'en-US', event: 'Flood advisory', headline: `${mark[1]}Flood advisory for the Taehwa River at Taehwa Bridge`, description: `The City of Ulsan expects the Taehwa River at Taehwa Bridge to reach 4.5 m within 3 hours.${change ? ' The river is rising faster than first expected.' : ''} Riverside parks, underpasses and low parking areas may flood.`, instruction: 'Stay out of riverside parks and underpasses. Move vehicles to high ground and follow evacuation guidance.', area: 'Lower Taehwa: ten towns' },
  ];
};
const hash = (content) => createHash('sha256').update(JSON.stringify(content)).digest('hex');

export class FakeAlerts {
  constructor(world) {
    this.world = world;
    world.onIncident = (incident) => this.draft(incident, '');
  }

  draft(incident, by, kind = 'Alert', before = null) {
    const { world } = this;
    const reach = city.map.reaches[0];
    const status = world.mode === 'exercise' ? 'Exercise' : 'Actual';
    const content = {
      identifier: `urn:oid:2.49.0.0.410.fake.${this.world.seq + 1}`, status, kind, hazard: 'river', series: incident.series, level: incident.level, crisis_level: incident.crisis_level,
      urgency: 'Expected', severity: 'Severe', certainty: 'Likely', onset_us: world.now_us + 2 * HOUR, expires_us: world.now_us + 8 * HOUR, sender: 'fake@example.org', sender_name: 'Ulsan (fake)',
      texts: texts(status, kind === 'Update' ? ' 물이 처음 예상보다 빨리 오르고 있습니다.' : ''), towns: reach.towns, polygons: [], people: PEOPLE, area_km2: 38.4, references: before ? [before.alert.identifier] : [],
    };
    const alert = { alert_id: randomUUID(), incident_id: incident.incident_id, state: 'drafted', content_hash: hash(content), kind, level: content.level, crisis_level: content.crisis_level, status, people: content.people, area_km2: content.area_km2, towns: content.towns, identifier: content.identifier, author: by || null, approver: null, sent_us: null, expires_us: content.expires_us };
    const entry = { alert, content, previous: null, before, history: [] };
    world.alerts.set(alert.alert_id, entry);
    this.step(entry, 'drafted', by);
    return entry;
  }

  step(entry, step, by, reason = '') {
    const { alert, content } = entry;
    const fact = this.world.fact('alert', this.world.now_us, { alert_id: alert.alert_id, incident_id: alert.incident_id, step, content_hash: alert.content_hash, content: ['drafted', 'edited'].includes(step) ? content : null, by, reason });
    alert.fact_id = fact.id;
    entry.history.push({ step, by, reason, content_hash: alert.content_hash, recorded_us: fact.recorded_us });
  }

  detail({ alert, content, previous, history }) {
    const n = content.people.toLocaleString('en-US');
    const exercise = content.status !== 'Actual';
    const sentence = exercise
      ? { ko: `훈련입니다. 아무에게도 나가지 않습니다. 실제라면 태화강 하류 주민 ${n}명에게 나갔을 경보입니다.`, en: `This is an exercise. It goes to nobody. In reality it would reach ${n} residents of the lower Taehwa.` }
      : { ko: `지금 태화강 하류 주민 ${n}명에게 실제로 나갑니다.`, en: `This goes to ${n} residents of the lower Taehwa NOW.` };
    const short = content.texts.filter((text) => text.instruction.length < 12);
    const findings = short.map((text) => ({ code: 'instruction_short', severity: 'error', where: `texts[${text.language}].instruction`, message: { ko: '행동 요령이 없습니다.', en: 'There is no instruction.' }, mend: { ko: '무엇을 해야 하는지 적으십시오.', en: 'Say what people should do.' } }));
    findings.push({ code: 'limit_open', severity: 'warning', where: 'level', message: { ko: '기준값이 아직 확인되지 않았습니다.', en: 'The limit is not yet confirmed.' }, mend: { ko: '홍수통제소에 확인하십시오.', en: 'Confirm it with the flood control office.' } });
    return { ...alert, content, findings, confirm: { sentence, words: ['태화강 하류', 'Lower Taehwa', String(content.people)] }, history, cap_url: alert.state === 'published' ? `/cap/alerts/${content.identifier}.xml` : null, previous_content: previous };
  }

  act(entry, verb, person, body) {
    const { alert, content } = entry;
    if (body.content_hash && body.content_hash !== alert.content_hash) throw new Refused(409, 'the content has changed', 'conflict', 'read it again');
    switch (verb) {
      case 'edit':
        content.texts = body.texts;
        Object.assign(alert, { content_hash: hash(content), author: person.login, state: 'drafted' });
        this.step(entry, 'edited', person.login);
        return { content_hash: alert.content_hash };
      case 'submit':
        Object.assign(alert, { state: 'submitted', author: person.login });
        return void this.step(entry, 'submitted', person.login);
      case 'approve':
        return this.#approve(entry, person, body);
      case 'reject':
        alert.state = 'drafted';
        return void this.step(entry, 'rejected', person.login, body.reason);
      case 'cancel':
      case 'update': {
        const made = this.draft(this.world.incidents.get(alert.incident_id), person.login, verb === 'cancel' ? 'Cancel' : 'Update', entry);
        return { alert_id: made.alert.alert_id };
      }
      default:
        throw new Refused(404, 'no such action', 'not_found');
    }
  }

  #approve(entry, person, body) {
    const { alert } = entry;
    if (alert.author === person.login) throw new Refused(403, 'the author cannot approve', 'forbidden', 'ask another approver');
    if (!['태화강 하류', 'Lower Taehwa', String(entry.content.people)].includes(body.typed.replace(/,/g, ''))) throw new Refused(400, 'what was typed does not match', 'invalid_input');
    alert.approver = person.login;
    this.step(entry, 'approved', person.login);
    Object.assign(alert, { state: alert.kind === 'Cancel' ? 'cancelled' : 'published', sent_us: this.world.now_us });
    this.step(entry, alert.kind === 'Cancel' ? 'cancelled' : 'published', person.login);
    if (entry.before) {
      entry.before.alert.state = alert.kind === 'Cancel' ? 'cancelled' : 'superseded';
      this.step(entry.before, entry.before.alert.state, person.login);
    }
  }
}
