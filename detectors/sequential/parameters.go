package sequential

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Parameter is a setting of a detector.
type Parameter struct {
	Name    string
	Meaning string
	Value   float64

	Low, High float64
	Above     bool     // Low itself is out of range
	Whole     bool     // only whole numbers
	Words     []string // the names of the values Low, Low+1, ... up to High; none for a number
}

// Text is the value as a user writes it: a word or a number.
func (p Parameter) Text() string {
	if p.Words != nil {
		return p.Words[int(p.Value-p.Low)]
	}
	return format(p.Value)
}

// Range says which values the parameter takes, to follow "must be".
func (p Parameter) Range() string {
	if p.Words != nil {
		return "one of " + strings.Join(p.Words, ", ")
	}
	text := "at least " + format(p.Low)
	if p.Above {
		text = "over " + format(p.Low)
	}
	if p.High < largest && p.High != maxWhole {
		text += " and at most " + format(p.High)
	}
	if p.Whole {
		text = "a whole number, " + text
	}
	return text
}

// Parse reads a value as a user writes it: a number or, where the parameter has words, one of them. It does not check
// the range; [New] does.
func (p Parameter) Parse(text string) (float64, error) {
	if i := slices.Index(p.Words, strings.ToLower(text)); i >= 0 {
		return p.Low + float64(i), nil
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("%s is %q: it must be %s", p.Name, text, p.Range())
	}
	return x, nil
}

func (p Parameter) holds(x float64) bool {
	return x >= p.Low && x <= p.High && !(p.Above && x == p.Low) && !(p.Whole && x != math.Trunc(x))
}

func format(x float64) string {
	if x == math.Trunc(x) && math.Abs(x) < 1e15 {
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

// maxWhole is the largest whole number that a parameter takes.
const maxWhole = 1_000_000_000

// setting is a parameter and where its value is kept.
type setting struct {
	Parameter
	at any // *float64, *int, *bool or *Mode
}

func number(name string, at *float64, low, high float64, meaning string) setting {
	return setting{Parameter{Name: name, Meaning: meaning, Low: low, High: high}, at}
}

// above is a number over 0.
func above(name string, at *float64, high float64, meaning string) setting {
	s := number(name, at, 0, high, meaning)
	s.Above = true
	return s
}

func whole(name string, at *int, low, high int, meaning string) setting {
	return setting{Parameter{Name: name, Meaning: meaning, Low: float64(low), High: float64(high), Whole: true}, at}
}

func flag(name string, at *bool, meaning string) setting {
	return setting{Parameter{Name: name, Meaning: meaning, High: 1, Whole: true, Words: []string{"false", "true"}}, at}
}

func (s *setting) value() float64 {
	switch at := s.at.(type) {
	case *float64:
		return *at
	case *int:
		return float64(*at)
	case *Mode:
		return float64(*at)
	case *bool:
		if *at {
			return 1
		}
	}
	return 0
}

func (s *setting) set(x float64) {
	switch at := s.at.(type) {
	case *float64:
		*at = x
	case *int:
		*at = int(x)
	case *Mode:
		*at = Mode(x)
	case *bool:
		*at = x == 1
	}
}

// apply sets the parameters that are given.
func apply(detector string, settings []setting, params map[string]float64) error {
	known := make([]string, len(settings))
	for i := range settings {
		known[i] = settings[i].Name
	}
	for name := range params {
		if !slices.Contains(known, name) {
			return fmt.Errorf("%s has no parameter %q%s (its parameters are %s)", detector, name, hint(name, known), strings.Join(known, ", "))
		}
	}
	for i := range settings {
		s := &settings[i]
		x, given := params[s.Name]
		if !given {
			continue
		}
		if !s.holds(x) {
			return outside(detector, s.Parameter, x)
		}
		s.set(x)
	}
	return nil
}

// check says which parameter is out of range.
func check(detector string, settings []setting) error {
	for i := range settings {
		if x := settings[i].value(); !settings[i].holds(x) {
			return outside(detector, settings[i].Parameter, x)
		}
	}
	return nil
}

func outside(detector string, p Parameter, x float64) error {
	return fmt.Errorf("%s: %s is %s: it must be %s", detector, p.Name, format(x), p.Range())
}

// hint asks for the name that was probably meant, the one that is the fewest edits away.
func hint(word string, known []string) string {
	best, least := "", 3
	for _, name := range known {
		if n := edits(strings.ToLower(word), name); n < least {
			best, least = name, n
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(": did you mean %q?", best)
}

// edits is the Levenshtein distance: the characters to insert, delete or replace to get from a to b.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
