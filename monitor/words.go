package monitor

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tidemark/windows"
)

// words says in a sentence what the alert's fields say.
func (a *Alert) words() string {
	if a.Kind == KindSystem {
		return a.systemWords()
	}
	where := a.Endpoint
	if a.Variant != "default" && a.Variant != "*" {
		where += "/" + a.Variant
	}
	window := fmt.Sprintf("in the %s window to %s", a.Window.Size, a.Window.End)
	switch a.Rule {
	case freshness:
		return a.freshnessWords(where)
	case volume:
		if a.State == resolved {
			return fmt.Sprintf("%s has %.0f rows %s, within bounds again", where, a.Score, window)
		}
		side := "under"
		if a.Score > a.Threshold {
			side = "over"
		}
		return fmt.Sprintf("%s has %.0f rows, %s %.0f, %s", where, a.Score, side, a.Threshold, window)
	case missingColumns, extraColumns:
		return a.columnWords(where, window)
	}
	if a.Rule == jointRule {
		return a.jointWords(where, window)
	}
	if a.Evidence.Budget != nil {
		return a.budgetWords(where, window)
	}
	if strings.HasSuffix(a.Rule, "_check") {
		return a.constraintWords(where, window)
	}
	if a.Evidence.Value != "" {
		return a.sequenceWords(where, window)
	}
	if a.State == resolved {
		return fmt.Sprintf("%s of %s on %s is %.3g %s, no longer %s", a.Rule, a.Feature, where, a.Score, window, a.limit())
	}
	return fmt.Sprintf("%s of %s on %s is %s, %s, %s (%d values, %d %s)",
		a.Rule, a.Feature, where, a.size(), a.limit(), window, a.Samples.Current, a.Samples.Reference, a.Reference.words())
}

// size is the score, with what of it is expected where that is more than a tenth.
func (a *Alert) size() string {
	text := fmt.Sprintf("%.3g", a.Score)
	if e := a.Evidence.Expected; e != nil && 10**e > a.Score {
		text += fmt.Sprintf(", of which %.2g is expected", *e)
	}
	return text
}

// limit is what the score is over: a threshold, or a p-value and perhaps a least effect.
func (a *Alert) limit() string {
	if a.Evidence.Alpha == 0 {
		return fmt.Sprintf("over %g", a.Threshold)
	}
	text := fmt.Sprintf("with a p-value of at most %g", a.Evidence.Alpha)
	if p := a.Evidence.Corrected; p != nil && a.State == firing {
		text = fmt.Sprintf("with a p-value of %.2g, at most %g", *p, a.Evidence.Alpha)
	}
	if a.Threshold > 0 {
		text = fmt.Sprintf("over %g, ", a.Threshold) + text
	}
	return text
}

func (a *Alert) freshnessWords(where string) string {
	if a.State == resolved {
		return fmt.Sprintf("%s has records again, from %s on", where, a.Window.Start)
	}
	limit := windows.FormatDuration(time.Duration(a.Threshold * float64(time.Second)))
	return fmt.Sprintf("%s has had no record since %s, for more than %s", where, a.Window.Start, limit)
}

func (a *Alert) sequenceWords(where, window string) string {
	value := fmt.Sprintf("the %s of %s on %s", strings.ReplaceAll(a.Evidence.Value, "_", " "), a.Feature, where)
	if a.State == resolved {
		return fmt.Sprintf("%s is %.3g %s, without another change in %d windows", value, a.Score, window, a.Evidence.Of)
	}
	return fmt.Sprintf("%s changed: it is %.3g %s, and %s took %d of them", value, a.Score, window, a.Rule, a.Evidence.Values)
}

// budgetWords says what moved, since when, by how much at least, and how seldom that is.
func (a *Alert) budgetWords(where, window string) string {
	b := a.Evidence.Budget
	if a.State == resolved {
		return fmt.Sprintf("%s on %s is as %s again %s: for some panes, nothing as strong as what was reported has shown", a.Feature, where, a.Reference.words(), window)
	}
	verb := "has had"
	if !strings.Contains(b.Change, " ") || strings.HasSuffix(b.Change, "distributed") {
		verb = "has been"
	}
	text := fmt.Sprintf("%s on %s %s %s since about %s (%s, %d records): at least %s of the records have moved, and up to %s are ignored; "+
		"records like those %s look like this at most once in %s, and the budget is %s (%d values in the reference, its own uncertainty %s)",
		a.Feature, where, verb, b.Change, b.Since, counted(b.Panes, "pane"), b.Records, inPercent(b.Effect), inPercent(b.MinEffect), a.Reference.words(), span(b.Recurrence), b.FalseAlarms,
		a.Samples.Reference, inPercent(b.Uncertainty))
	if b.Kappa > 1 {
		text += fmt.Sprintf("; records that follow each other are alike, so %.3g count as one", b.Kappa)
	}
	if b.Unsteady {
		text += "; it varies the more, the longer one looks, so that the budget is not kept"
	}
	return text
}

// inPercent writes a share with two digits.
func inPercent(share float64) string {
	if share >= 0.1 {
		return fmt.Sprintf("%.0f %%", 100*share)
	}
	return strconv.FormatFloat(100*share, 'g', 2, 64) + " %"
}

// span writes a long time in the largest unit of which it has at least two.
func span(seconds float64) string {
	const year = 365.25 * 86400
	if seconds > 1e6*year {
		return "a million years"
	}
	for _, unit := range []struct {
		name    string
		seconds float64
	}{{"years", year}, {"days", 86400}, {"hours", 3600}, {"minutes", 60}} {
		if n := seconds / unit.seconds; n >= 2 {
			return fmt.Sprintf("%.0f %s", n, unit.name)
		}
	}
	return fmt.Sprintf("%.0f seconds", seconds)
}

func (a *Alert) constraintWords(where, window string) string {
	on := where
	if a.Feature != "" {
		on = a.Feature + " on " + where
	}
	if a.State == resolved {
		return fmt.Sprintf("%s of %s is passed again, %s", a.Rule, on, window)
	}
	return fmt.Sprintf("%s of %s, %s: %s", a.Rule, on, window, a.Evidence.Violation)
}

func (a *Alert) columnWords(where, window string) string {
	what, unit := "columns without a value", ""
	if a.Rule == extraColumns {
		what, unit = "keys that no column is called", " in each row"
	}
	if a.State == resolved {
		return fmt.Sprintf("%s has %.3g %s%s %s, no longer over %g", where, a.Score, what, unit, window, a.Threshold)
	}
	var names []string
	for _, f := range a.Top {
		names = append(names, f.Feature)
	}
	if len(names) > 0 {
		what += " (" + strings.Join(names, ", ")
		if a.Score > float64(len(names)) {
			what += " and others"
		}
		what += ")"
	}
	return fmt.Sprintf("%s has %.3g %s%s, over %g, %s (%d rows)", where, a.Score, what, unit, a.Threshold, window, a.Samples.Current)
}

// counted writes a number of things.
func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
