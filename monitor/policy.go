package monitor

import (
	"math"

	"tidemark/detectors"
	"tidemark/detectors/pvalue"
)

// A verdict has three layers. The statistic says how far apart reference and current are: the effect. The evidence
// says what of that is to be expected when nothing changed, or how probable so much is. The policy here decides: are
// there enough samples, is the effect large enough to matter, is the evidence good enough for all features that were
// looked at, and did enough of the latest windows say so (alertState).

// scoreOf is a statistic's score as a rule takes it, before the verdict.
func (r *rule) scoreOf(s detectors.Score, samples int64) Score {
	score := Score{
		Score: s.Value, Expected: s.Expected, Threshold: r.exceed(), Alpha: r.Alpha,
		Insufficient: samples < r.MinSamples,
	}
	if r.Alpha != 0 {
		score.PValue = s.PValue()
		score.Insufficient = score.Insufficient || score.PValue == nil
	}
	return score
}

// effect is the size of the score beyond what is expected when nothing changed.
func (s *Score) effect() float64 {
	if s.Expected != nil {
		return math.Abs(s.Score) - *s.Expected
	}
	return math.Abs(s.Score)
}

// judge gives the verdict on each feature's scores. The p-values of a rule are corrected for the features that it can
// judge in this window.
func (m *Monitor) judge(features []FeatureReport) {
	for i := range m.rules {
		rule := &m.rules[i]
		if rule.Alpha != 0 {
			rule.correct(features)
		}
		for _, f := range features {
			score, ok := f.Scores[rule.Method]
			if !ok || score.Insufficient || rule.shown {
				continue
			}
			score.Drift = rule.drifts(&score)
			f.Scores[rule.Method] = score
		}
	}
}

func (r *rule) drifts(s *Score) bool {
	if r.Alpha == 0 {
		return s.effect() > r.Threshold
	}
	return *s.Corrected <= r.Alpha && (r.MinEffect == 0 || s.effect() > r.MinEffect)
}

// correct sets the corrected p-values of the features that the rule can judge.
func (r *rule) correct(features []FeatureReport) {
	var judged []FeatureReport
	var values []float64
	for _, f := range features {
		if score, ok := f.Scores[r.Method]; ok && !score.Insufficient {
			judged, values = append(judged, f), append(values, *score.PValue)
		}
	}
	switch r.Correction {
	case CorrectHolm:
		values = pvalue.Holm(values)
	case CorrectBH:
		values = pvalue.BenjaminiHochberg(values)
	}
	for i, f := range judged {
		score := f.Scores[r.Method]
		score.Corrected = &values[i]
		f.Scores[r.Method] = score
	}
}
