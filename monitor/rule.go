package monitor

import (
	"fmt"
	"slices"
	"strings"

	"tidemark/detectors"
)

// Rule says when a statistic's score is an alert: from a threshold on, or from a p-value on.
type Rule struct {
	Method     string  `yaml:"method"`
	Threshold  float64 `yaml:"threshold"`  // the score, above what is expected, from which on it is drift
	Alpha      float64 `yaml:"alpha"`      // instead: the corrected p-value from which down it is drift
	Correction string  `yaml:"correction"` // with alpha, over the features of a window; holm by default
	MinEffect  float64 `yaml:"min_effect"` // with alpha: what the score must also be above, 0 by default
	MinSamples int64   `yaml:"min_samples"`
	For        For     `yaml:"for"`
}

// The corrections of p-values for the number of features that a window is judged by.
const (
	CorrectNone = "none"
	CorrectHolm = "holm"               // at most alpha of windows without drift are said to have some
	CorrectBH   = "benjamini_hochberg" // of the features that are said to drift at most alpha do not, on average
)

var corrections = []string{CorrectNone, CorrectHolm, CorrectBH}

// For is how many of the latest windows must be over the threshold: "M of N".
type For struct{ M, N int }

// UnmarshalText reads "M of N".
func (f *For) UnmarshalText(text []byte) error {
	var rest string
	n, _ := fmt.Sscanf(string(text), "%d of %d%s", &f.M, &f.N, &rest)
	if n != 2 || f.M < 1 || f.N < f.M || f.N > 64 {
		return fmt.Errorf("%q is not \"M of N\" windows with 1 <= M <= N <= 64, such as \"2 of 3\"", text)
	}
	return nil
}

// String writes "M of N".
func (f For) String() string { return fmt.Sprintf("%d of %d", f.M, f.N) }

// String writes the condition as a user reads it: "psi > 0.2 for 2 of 3".
func (r Rule) String() string {
	text := fmt.Sprintf("%s > %v", r.Method, r.Threshold)
	if r.Alpha != 0 {
		text = fmt.Sprintf("%s p <= %v", r.Method, r.Alpha)
		if r.Correction != CorrectNone {
			text += " (" + r.Correction + ")"
		}
		if r.MinEffect > 0 {
			text += fmt.Sprintf(" and > %v", r.MinEffect)
		}
	}
	if r.For.N > 1 {
		text += fmt.Sprintf(" for %v", r.For)
	}
	return text
}

func (r *Rule) complete() {
	if r.MinSamples == 0 {
		r.MinSamples = DefaultMinSamples
	}
	if r.Alpha != 0 && r.Correction == "" {
		r.Correction = CorrectHolm
	}
	r.For.complete()
}

func (f *For) complete() {
	if *f == (For{}) {
		*f = For{1, 1}
	}
}

// exceed is what the score, less what is expected, must be above for an alert.
func (r *Rule) exceed() float64 {
	if r.Alpha != 0 {
		return r.MinEffect
	}
	return r.Threshold
}

func checkRules(kind string, rules []Rule, known []string, fault func(path, message string)) {
	seen := map[string]bool{}
	for i := range rules {
		r := &rules[i]
		at := fmt.Sprintf("%s[%d]", kind, i)
		if !slices.Contains(known, r.Method) {
			fault(at+".method", fmt.Sprintf("%q is not known here: use one of %v", r.Method, known))
		}
		if seen[r.Method] {
			fault(at+".method", fmt.Sprintf("%q appears twice: give each method once", r.Method))
		}
		seen[r.Method] = true
		if r.Alpha != 0 {
			r.checkEvidence(at, known, fault)
		} else {
			r.checkThreshold(at, fault)
		}
		if r.MinSamples < 0 {
			fault(at+".min_samples", fmt.Sprintf("is %d: give a positive number of values", r.MinSamples))
		}
	}
}

func (r *Rule) checkThreshold(at string, fault func(path, message string)) {
	switch {
	case slices.Contains(detectors.Tests, r.Method):
		fault(at+".threshold", fmt.Sprintf("is %v, but the value of %s grows with the number of rows and is no size: give alpha instead, the p-value from which down this is an alert", r.Threshold, r.Method))
	case r.Threshold < 0:
		fault(at+".threshold", fmt.Sprintf("is %v: give the score, above 0, from which on this is an alert", r.Threshold))
	case r.Threshold > 0 || slices.Contains(Columns, r.Method):
	case slices.Contains(detectors.WithPValue, r.Method):
		fault(at+".threshold", "is 0: give the score, above 0, from which on this is an alert, or alpha, the p-value from which down it is")
	default:
		fault(at+".threshold", "is 0: give the score, above 0, from which on this is an alert")
	}
	if r.Correction != "" {
		fault(at+".correction", fmt.Sprintf("is %q without alpha: a threshold has no p-value to correct; remove it, or give alpha instead of threshold", r.Correction))
	}
	if r.MinEffect != 0 {
		fault(at+".min_effect", fmt.Sprintf("is %v without alpha: a threshold is the least effect already; remove it, or give alpha instead of threshold", r.MinEffect))
	}
}

func (r *Rule) checkEvidence(at string, known []string, fault func(path, message string)) {
	if r.Threshold != 0 {
		fault(at+".alpha", fmt.Sprintf("is %v beside the threshold %v: keep one, the p-value or the score that this is an alert from; with alpha, min_effect is the least score", r.Alpha, r.Threshold))
	}
	if r.Alpha < 0 || r.Alpha >= 1 {
		fault(at+".alpha", fmt.Sprintf("is %v: give a probability between 0 and 1, such as 0.01", r.Alpha))
	}
	if slices.Contains(known, r.Method) && !slices.Contains(detectors.WithPValue, r.Method) {
		message := fmt.Sprintf("is %v, but %s has no p-value: give a threshold", r.Alpha, r.Method)
		if slices.ContainsFunc(known, func(name string) bool { return slices.Contains(detectors.WithPValue, name) }) {
			message += fmt.Sprintf(", or use one of %v", detectors.WithPValue)
		}
		fault(at+".alpha", message)
	}
	if !slices.Contains(corrections, r.Correction) {
		fault(at+".correction", fmt.Sprintf("is %q: use one of %s", r.Correction, strings.Join(corrections, ", ")))
	}
	if r.MinEffect > 0 && slices.Contains(detectors.Tests, r.Method) {
		fault(at+".min_effect", fmt.Sprintf("is %v, but the value of %s grows with the number of rows and is no size: remove it, or use ks or psi with alpha", r.MinEffect, r.Method))
	}
	if r.MinEffect < 0 {
		fault(at+".min_effect", fmt.Sprintf("is %v: give the score, 0 or more, that is too small to matter", r.MinEffect))
	}
}
