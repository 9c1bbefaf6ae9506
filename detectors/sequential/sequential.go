package sequential

import (
	"encoding"
	"fmt"
	"math"
	"strings"
)

// Sequential watches one stream of numbers.
type Sequential interface {
	// Update takes the next value and says how the stream looks with it.
	Update(x float64) Level
	// MarshalBinary writes the state. It never fails.
	encoding.BinaryMarshaler
	// UnmarshalBinary replaces the state by one that a detector of the same name and parameters wrote. When the bytes
	// are no such state it returns an error and changes nothing.
	encoding.BinaryUnmarshaler
}

// Level is what a detector says of a value.
type Level uint8

// The levels. Only the error detectors (ddm, eddm, hddm_a, hddm_w) warn.
const (
	OK      Level = iota // the stream looks as before
	Warning              // it may be changing
	Drift                // it has changed
	Ignored              // the detector is not for this value: nothing changed
)

// String is "ok", "warning", "drift" or "ignored".
func (l Level) String() string {
	switch l {
	case OK:
		return "ok"
	case Warning:
		return "warning"
	case Drift:
		return "drift"
	}
	return "ignored"
}

// Names are the detectors that [New] makes.
var Names = []string{"adwin", "page_hinkley", "cusum", "kswin", "ddm", "eddm", "hddm_a", "hddm_w"}

// New returns a new detector of that name. Parameters that are not given have their defaults; true is 1, false is 0,
// and page_hinkley's mode is a [Mode].
func New(name string, params map[string]float64) (Sequential, error) {
	p, err := configure(name, params)
	if err != nil {
		return nil, err
	}
	d, err := p.detector()
	if err != nil {
		return nil, err // and not a detector that is a nil pointer
	}
	return d, nil
}

// Parameters returns all parameters of a detector, with the values that [New] would give them.
func Parameters(name string, params map[string]float64) ([]Parameter, error) {
	p, err := configure(name, params)
	if err != nil {
		return nil, err
	}
	if _, err := p.detector(); err != nil {
		return nil, err
	}
	var list []Parameter
	for _, s := range p.settings() {
		s.Value = s.value()
		list = append(list, s.Parameter)
	}
	return list, nil
}

// parameters are those of a detector, to be set by name.
type parameters interface {
	settings() []setting
	detector() (Sequential, error)
}

// defaults returns the default parameters of a detector, or nil.
func defaults(name string) parameters {
	switch name {
	case "adwin":
		return new(DefaultADWIN())
	case "page_hinkley":
		return new(DefaultPageHinkley())
	case "cusum":
		return new(DefaultCUSUM())
	case "kswin":
		return new(DefaultKSWIN())
	case "ddm":
		return new(DefaultDDM())
	case "eddm":
		return new(DefaultEDDM())
	case "hddm_a":
		return new(DefaultHDDMA())
	case "hddm_w":
		return new(DefaultHDDMW())
	}
	return nil
}

func configure(name string, params map[string]float64) (parameters, error) {
	p := defaults(name)
	if p == nil {
		return nil, fmt.Errorf("unknown detector %q%s (the detectors are %s)", name, hint(name, Names), strings.Join(Names, ", "))
	}
	return p, apply(name, p.settings(), params)
}

// largest is the largest size of a value that is taken. Its square, times any number of values, is finite.
const largest = 1e100

// isNumber says whether x is finite and not over the largest size.
func isNumber(x float64) bool { return math.Abs(x) <= largest }

// isError says whether x is 0 or 1.
func isError(x float64) bool { return x == 0 || x == 1 }

// isShare says whether x is in [0, 1].
func isShare(x float64) bool { return x >= 0 && x <= 1 }
