// SPDX-License-Identifier: Apache-2.0
// Words of the page of models.
export const modelWords = {
  pageModels: { ko: '모델', en: 'Models' },
  mdLead: { ko: '예측하고 판단하는 모델마다 무엇을 하는지, 어느 쪽으로 틀리는지, 무엇을 못하는지 적었습니다. 요즘 얼마나 맞았는지는', en: 'What each model is for, which way it errs, and what it cannot do. How good it has been of late:' },
  mdShadow: { ko: '시험: 보이기만 하고 아무것도 움직이지 않습니다', en: 'Shadow: shown, and nothing acts on it' },
  mdAdvisory: { ko: '자문: 제안하고, 사람이 결정합니다', en: 'Advisory: it proposes, people decide' },
  mdOperational: { ko: '운영: 정해진 일을 스스로 합니다', en: 'Operational: it acts within its rules' },
  mdErrs: { ko: '어느 쪽으로 틀리나', en: 'Which way it errs' },
  mdLimits: { ko: '한계', en: 'Limits' },
  mdFigures: { ko: '잰 값 {n}개와 자료 (영어)', en: '{n} measured figures, and the data' },
  mdGoal: { ko: '목표', en: 'goal' },
  mdData: { ko: '자료', en: 'Data' },
  mdDrifting: { ko: '배울 때와 달라진 것', en: 'Unlike the training' },
  mdDriftNote: { ko: '지난 30일이 모델이 배운 달들과 다릅니다. 모델을 맡은 사람이 볼 일이며, 알람도 예측도 이것으로 멈추지 않습니다.', en: 'Their last thirty days differ from the months the model learnt from. For who minds the models: no alarm and no forecast stops for it.' },
  mdDriftNone: { ko: '배울 때와 달라진 것이 없습니다 (30일을 지켜본 입력과 예측 가운데).', en: 'Nothing, of what was watched for thirty days.' },
  mdMissing: { ko: '값이 없는 때 {value} (한계 {limit})', en: '{value} of the time without a value (limit {limit})' },
  mdRange: { ko: '배운 범위를 벗어난 값 {value} (한계 {limit})', en: '{value} of its values beyond anything learnt (limit {limit})' },
  mdChanges: { ko: '움직임이 달라짐: 지수 {value} (한계 {limit})', en: 'it moves otherwise: index {value} (limit {limit})' },
  mdLean: { ko: '예측 중앙값이 한쪽으로 치우침: 반에서 {value} 벗어남 (한계 {limit})', en: 'the median of its forecasts leans to one side: {value} off a half (limit {limit})' },
  mdSince: { ko: '{when}부터', en: 'since {when}' },
  mdWithout: { ko: '설명서가 없는 모델: {names}', en: 'Models without a card: {names}' },
} as const;
