package monitor

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"

	"tidemark/windows"
)

// Append writes the report behind b as JSON, byte for byte as encoding/json does: it is written for each window, and a
// writer that knows its fields takes a fifth of the time.
func (r *Report) Append(b []byte) ([]byte, error) {
	t := jsonText{b: b}
	t.text(`{"monitor":`, r.Monitor)
	t.text(`,"endpoint":`, r.Endpoint)
	t.text(`,"variant":`, r.Variant)
	t.time(`,"window":{"start":`, r.Window.Start)
	t.time(`,"end":`, r.Window.End)
	t.text(`,"size":`, r.Window.Size)
	t.whole(`},"rows":`, r.Rows)
	t.text(`,"baseline":`, r.Baseline)
	t.text(`,"layout":`, r.Layout)
	t.any(`,"reference":`, &r.Reference)
	t.bool(`,"drift":`, r.Drift)
	t.raw(`,"features":`)
	t.features(r.Features)
	if len(r.Scores) > 0 {
		t.raw(`,"scores":`)
		t.scores(r.Scores)
	}
	if len(r.Violations) > 0 {
		t.any(`,"violations":`, r.Violations)
	}
	if r.Insufficient != "" {
		t.text(`,"insufficient":`, r.Insufficient)
	}
	if r.Unseen != 0 {
		t.whole(`,"unseen":`, r.Unseen)
	}
	if len(r.Warnings) > 0 {
		t.any(`,"warnings":`, r.Warnings)
	}
	t.raw("}")
	if t.err != nil {
		return b, fmt.Errorf("encode report of endpoint %q, window to %v: %w", r.Endpoint, r.Window.End, t.err)
	}
	return t.b, nil
}

// jsonText is JSON as it is written, piece by piece: what comes before a value, and the value.
type jsonText struct {
	b     []byte
	names []string // scratch of scores
	err   error    // the first
}

func (t *jsonText) features(features []FeatureReport) {
	if features == nil {
		t.raw("null")
		return
	}
	before := `[{"name":`
	for i := range features {
		f := &features[i]
		t.text(before, f.Name)
		t.text(`,"type":`, f.Type)
		t.whole(`,"captured":`, f.Captured)
		t.whole(`,"missing":`, f.Missing)
		t.whole(`,"invalid":`, f.Invalid)
		t.maybe(`,"mean":`, f.Mean)
		t.maybe(`,"stddev":`, f.StdDev)
		t.raw(`,"scores":`)
		t.scores(f.Scores)
		if f.Budget != nil {
			t.budget(f.Budget)
		}
		if len(f.Sequential) > 0 {
			t.any(`,"sequential":`, f.Sequential)
		}
		before = `},{"name":`
	}
	if len(features) == 0 {
		t.raw("[]")
		return
	}
	t.raw("}]")
}

func (t *jsonText) scores(scores map[string]Score) {
	if scores == nil {
		t.raw("null")
		return
	}
	t.names = t.names[:0]
	for name := range scores {
		t.names = append(t.names, name)
	}
	slices.Sort(t.names)
	before := "{"
	for _, name := range t.names {
		s := scores[name]
		t.text(before, name)
		t.number(`:{"score":`, s.Score)
		t.maybe(`,"expected":`, s.Expected)
		t.maybe(`,"p_value":`, s.PValue)
		t.number(`,"threshold":`, s.Threshold)
		if s.Alpha != 0 {
			t.number(`,"alpha":`, s.Alpha)
		}
		t.maybe(`,"p_corrected":`, s.Corrected)
		t.bool(`,"drift":`, s.Drift)
		if s.Insufficient {
			t.raw(`,"insufficient":true`)
		}
		if s.ReportedOnly {
			t.raw(`,"reported_only":true`)
		}
		before = "},"
	}
	if len(scores) == 0 {
		t.raw("{}")
		return
	}
	t.raw("}}")
}

func (t *jsonText) budget(r *BudgetReport) {
	t.number(`,"budget":{"recurrence_seconds":`, r.Recurrence)
	if r.Firing {
		t.raw(`,"firing":true`)
	}
	if r.Change != "" {
		t.text(`,"change":`, r.Change)
	}
	if r.Since != nil {
		t.time(`,"since":`, *r.Since)
	}
	if r.Effect != 0 {
		t.number(`,"effect_at_least":`, r.Effect)
	}
	if len(r.Joint) > 0 {
		t.any(`,"joint":`, r.Joint)
	}
	t.number(`,"kappa":`, r.Kappa)
	if r.Unsteady {
		t.raw(`,"unsteady":true`)
	}
	t.raw("}")
}

func (t *jsonText) raw(text string) { t.b = append(t.b, text...) }

func (t *jsonText) whole(before string, n int64) {
	t.raw(before)
	t.b = strconv.AppendInt(t.b, n, 10)
}

func (t *jsonText) natural(before string, n uint64) {
	t.raw(before)
	t.b = strconv.AppendUint(t.b, n, 10)
}

func (t *jsonText) time(before string, at windows.Time) {
	t.raw(before)
	t.b = append(at.Append(append(t.b, '"')), '"')
}

func (t *jsonText) bool(before string, value bool) {
	t.raw(before)
	t.b = strconv.AppendBool(t.b, value)
}

func (t *jsonText) maybe(before string, x *float64) {
	if x != nil {
		t.number(before, *x)
	}
}

// number writes a float as ECMAScript does: the shortest digits, with an exponent where the number is very small or large.
func (t *jsonText) number(before string, x float64) {
	t.raw(before)
	format := byte('f')
	switch size := math.Abs(x); {
	case math.IsNaN(x) || math.IsInf(x, 0):
		t.any("", x) // an error
		return
	case size != 0 && (size < 1e-6 || size >= 1e21):
		format = 'e'
	}
	t.b = strconv.AppendFloat(t.b, x, format, -1, 64)
	if n := len(t.b); format == 'e' && n >= 4 && t.b[n-4] == 'e' && t.b[n-2] == '0' { // e-09 is e-9
		t.b[n-2] = t.b[n-1]
		t.b = t.b[:n-1]
	}
}

// text writes a string. What encoding/json writes otherwise than it is, it may write.
func (t *jsonText) text(before, s string) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			t.any(before, s)
			return
		}
	}
	t.raw(before)
	t.b = append(append(append(t.b, '"'), s...), '"')
}

// any lets encoding/json write what is rare.
func (t *jsonText) any(before string, value any) {
	t.raw(before)
	text, err := json.Marshal(value)
	if t.err == nil {
		t.err = err
	}
	t.b = append(t.b, text...)
}
