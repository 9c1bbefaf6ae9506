package budget

import "math"

// alarm is whether a feature is firing.
type alarm struct {
	firing   bool
	patience int     // panes without a new crossing after which it is resolved
	quiet    int     // panes since the last crossing
	wealth   float64 // at that crossing
}

// The panes after which an alarm is resolved: as many as a drift as strong as the one reported would need to show again,
// with a margin.
const (
	leastPatience = 10
	patienceTimes = 3
)

// Transition is what a pane changed about a feature's alarm.
type Transition uint8

// The transitions.
const (
	None Transition = iota
	Fired
	Resolved
)

// Step says, after a pane with records, whether the feature's alarm began or ended. It begins when the wealth reaches the
// limit: the panes of the budget's period, divided by the feature's share. While it goes on, the wealth starts anew each time that it
// reaches the limit's root; the alarm is resolved when it has not for max(10, 3 times the panes that the alarm took), at least 10 of
// which had records. elapsed is how many panes ago the last one with records was. The finding is of the moment before the wealth is
// taken.
func (t *Table) Step(s *State, elapsed int, limit float64) (Transition, Finding) {
	a := &s.alarm
	switch {
	case !a.firing && s.total >= limit:
		found := t.Find(s)
		*a = alarm{firing: true, patience: max(leastPatience, patienceTimes*max(found.Panes, 1)), wealth: s.total}
		s.Reset()
		return Fired, found
	case a.firing && s.total >= math.Sqrt(limit):
		a.quiet, a.wealth = 0, s.total
		s.Reset()
	case a.firing && a.wait(elapsed):
		*a = alarm{}
		return Resolved, t.Find(s)
	}
	return None, Finding{}
}

// wait lets a pane pass without a crossing, and says whether it was the last one to wait for. It counts with the empty ones before it, up
// to a tenth of the patience.
func (a *alarm) wait(elapsed int) bool {
	a.quiet += min(elapsed, a.patience/leastPatience)
	return a.quiet >= a.patience
}

// Firing says whether the alarm is on.
func (s *State) Firing() bool { return s.alarm.firing }

// Wealth is the weighted sum of the bets'; while the alarm is on, not less than when it last showed.
func (s *State) Wealth() float64 { return max(s.total, s.alarm.wealth) }

// Resume takes up an alarm that was on when the state was lost.
func (s *State) Resume() { s.alarm = alarm{firing: true, patience: leastPatience} }

// Finding is what the bets say of a feature.
type Finding struct {
	Wealth  float64 // the weighted sum of the bets'
	Kind    Kind    // of the leading bet
	Group   int     // of kinds Share and Special: which one
	Down    bool    // the group has fewer records than it should
	Panes   int     // since the bet began to win, the present one included; 0 when it does not
	Records float64 // since then
	// Effect is the share of the records since then that have moved, total variation, less what is expected of samples of these
	// sizes: at least so much.
	Effect float64
	Part   float64 // of the wealth that is of the leading kind
}

// Find says what the bets have found so far.
func (t *Table) Find(s *State) Finding {
	j := s.leader
	f := Finding{Wealth: s.total, Kind: t.kind[j], Panes: s.age[j]}
	if j < len(t.bets) {
		f.Group, f.Down = t.bets[j].group, t.bets[j].down
	}
	for i, m := range s.wealth {
		if t.kind[i] == f.Kind && f.Wealth > 0 {
			f.Part += t.weights[i] * m / f.Wealth
		}
	}
	if f.Panes == 0 {
		return f
	}
	for _, n := range s.moved {
		f.Records += n
	}
	f.Effect = t.moved(s.moved, f.Records/t.Dependence(s))
	return f
}

// moved is the total variation of the counts from the reference, less its expected value: docs/detection.md has the formula.
func (t *Table) moved(groups []float64, independent float64) float64 {
	n, far, floor := 0.0, 0.0, 0.0
	for _, count := range groups {
		n += count
	}
	if n == 0 {
		return 0
	}
	for g, p := range t.grouped {
		far += math.Abs(groups[g]/n-p) / 2
		floor += math.Sqrt(p * (1 - p))
	}
	return max(far-floor*math.Sqrt((1/independent+1/t.rows)/(2*math.Pi)), 0)
}
