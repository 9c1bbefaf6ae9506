package budget

import "math"

// State is the wealth of the bets of one feature, and what they learned. It is the same to the bit when it was stored
// in between (encode.go), because it is rounded to that after every pane.
type State struct {
	wealth   []float64    // by bet, those that learn last
	residual [2][]float64 // by half-life and group: the shares seen of late, less the reference's
	age      []int        // by bet, the panes since it began to win; 0 while it does not
	moved    []float64    // by group, the records since the leading bet began to win
	panes    int          // that they are of
	live     live
	alarm    alarm

	total  float64 // weighted sum of the wealth
	leader int     // the bet with the largest part of it
}

// NewState is the state of bets that have seen nothing.
func (t *Table) NewState() *State {
	s := &State{wealth: make([]float64, len(t.weights)), age: make([]int, len(t.weights)), moved: make([]float64, len(t.grouped))}
	for i := range s.residual {
		s.residual[i] = make([]float64, len(t.grouped))
	}
	return s
}

const (
	mostGain   = 600   // logarithm of what a bet may win in a pane
	mostWealth = 1e280 // of a bet
	winning    = 4     // wealth from which on a bet is said to be winning
)

// Add takes in a pane: its records by cell, and how many panes ago the last one was that had records. An empty pane is no
// evidence, and changes nothing: else A empty panes would be an alarm.
func (t *Table) Add(s *State, counts []float64, elapsed int) {
	n := 0.0
	for _, c := range counts {
		n += c
	}
	if n == 0 {
		return
	}
	var memory [MaxCells]float64
	groups := memory[:len(t.grouped)]
	t.cells.join(groups, counts)
	dependence := t.Dependence(s) // of what came before: a bet must be fixed when the pane is seen
	t.bet(s, counts, groups, n, dependence)
	t.learn(s, groups, n)
	t.observe(&s.live, counts)
	s.round()
	t.sum(s)
	t.grow(s, groups, elapsed)
}

// bet settles the bets on a pane of n records.
func (t *Table) bet(s *State, counts, groups []float64, n, dependence float64) {
	tilts := len(t.tilts) / len(counts)
	for j := range tilts {
		s.win(j, t.active[j], dot(counts, t.tilts[j*len(counts):])/dependence)
	}
	for i, inside := range t.inside {
		j := tilts + i
		s.win(j, t.active[j], (n*t.outside[i]+groups[t.bets[j].group]*inside)/dependence)
	}
	var memory [MaxCells]float64
	logs := memory[:len(groups)]
	for i := range halfLives {
		if !t.learned(s.residual[i], logs) {
			continue
		}
		s.win(len(t.bets)+i, true, dot(groups, logs)/dependence)
	}
}

// dot is the sum of the products, in four parts that do not wait for each other.
func dot(a, b []float64) float64 {
	b = b[:len(a)]
	var s0, s1, s2, s3 float64
	k := 0
	for ; k+3 < len(a); k += 4 {
		s0 += a[k] * b[k]
		s1 += a[k+1] * b[k+1]
		s2 += a[k+2] * b[k+2]
		s3 += a[k+3] * b[k+3]
	}
	for ; k < len(a); k++ {
		s0 += a[k] * b[k]
	}
	return s0 + s1 + s2 + s3
}

// learn moves what was learned towards the shares of a pane, for the next one.
func (t *Table) learn(s *State, groups []float64, n float64) {
	for i, halfLife := range halfLives {
		a, residual := 1-math.Exp2(-n/halfLife), s.residual[i]
		for g, r := range residual {
			residual[g] = r + a*(groups[g]/n-t.grouped[g]-r)
		}
	}
}

// win multiplies the wealth of a bet. One that abstains has no new stake, and keeps what it has.
func (s *State) win(j int, active bool, gain float64) {
	switch m := s.wealth[j]; {
	case !active:
	case gain < -22 && m < 1:
		s.wealth[j] = 0 // less than is kept
	default:
		s.wealth[j] = min((1+m)*exp(min(gain, mostGain)), mostWealth)
	}
}

// sum adds the wealth of the bets up, and finds the leading bet: the one with the largest part of it.
func (t *Table) sum(s *State) {
	s.total, s.leader = 0, 0
	most := -1.0
	for j, m := range s.wealth {
		part := t.weights[j] * m
		s.total += part
		if part > most {
			s.leader, most = j, part
		}
	}
}

// grow counts for how long each bet has been winning, and the records since the leading one has.
func (t *Table) grow(s *State, groups []float64, elapsed int) {
	for j, m := range s.wealth {
		switch {
		case m < winning:
			s.age[j] = 0
		case s.age[j] == 0 && j >= len(t.bets):
			s.age[j] = min(1+elapsed, math.MaxUint32) // it bets on what the pane before has shown
		case s.age[j] == 0:
			s.age[j] = 1
		default:
			s.age[j] = min(s.age[j]+elapsed, math.MaxUint32)
		}
	}
	switch age := s.age[s.leader]; {
	case age <= 1:
		clear(s.moved)
		s.panes = age
	case s.panes+elapsed > age: // another bet leads, and began later: as many of the records as its panes had
		for g, n := range s.moved {
			s.moved[g] = math.Floor(n * float64(max(age-elapsed, 0)) / float64(s.panes))
		}
		s.panes = age
	default:
		s.panes += elapsed
	}
	if s.panes > 0 {
		for g, n := range groups {
			s.moved[g] = min(s.moved[g]+n, math.MaxUint32)
		}
	}
}

// Reset takes all wealth and all that was learned, after an alarm.
func (s *State) Reset() {
	clear(s.wealth)
	for i := range s.residual {
		clear(s.residual[i])
	}
	clear(s.age)
	clear(s.moved)
	s.panes, s.total, s.leader = 0, 0, 0
}
