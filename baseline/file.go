package baseline

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"tidemark/capture"
	"tidemark/profile"
)

const (
	fileName        = "baseline.json"
	statisticsFile  = "statistics.json"
	constraintsFile = "constraints.json"
	fileVersion     = 4
	rebuild         = `build it again with "tidemark baseline build"`
)

// document is the content of baseline.json.
type document struct {
	Version  int            `json:"version"`
	ID       string         `json:"id"`
	Created  time.Time      `json:"created"`
	ReviewBy time.Time      `json:"review_by,omitzero"`
	Source   []string       `json:"source"`
	Schema   capture.Schema `json:"schema"`
	Layout   profile.Layout `json:"layout"`
	Rows     int64          `json:"rows"`
	Features []counts       `json:"features"`
	Joint    *joint         `json:"joint,omitempty"`
	Seasonal *slotsDocument `json:"seasonal,omitempty"`

	Calibrations []Calibration `json:"calibration,omitempty"`
}

// counts is a [profile.Feature] without its layout.
type counts struct {
	Name       string           `json:"name"`
	Captured   int64            `json:"captured"`
	Missing    int64            `json:"missing"`
	Invalid    int64            `json:"invalid"`
	NaN        int64            `json:"nan"`
	Inf        int64            `json:"inf"`
	Negative   int64            `json:"negative,omitempty"`
	Fractional int64            `json:"fractional,omitempty"`
	Bins       []int64          `json:"bins"`
	Offsets    []int64          `json:"offsets,omitempty"` // numeric: as many as bins
	Under      pair             `json:"under,omitzero"`
	Over       pair             `json:"over,omitzero"`
	Moments    *moments         `json:"moments,omitempty"` // none without finite values
	New        map[string]int64 `json:"new,omitempty"`
	NewOther   int64            `json:"new_other,omitempty"`
}

// joint is a [profile.Joint], in the order of [profile.Layout.Pairs] and [profile.Layout.Projections].
type joint struct {
	Rows      []int64   `json:"rows"`
	Agree     []int64   `json:"agree"`
	Projected [][]int64 `json:"projected,omitempty"`
}

func jointOf(p *profile.Profile) *joint {
	if p.Joint == nil {
		return nil
	}
	j := &joint{Rows: p.Joint.Rows, Agree: p.Joint.Agree}
	for _, counts := range p.Joint.Projected {
		if slices.Max(counts) > 0 {
			j.Projected = p.Joint.Projected
		}
	}
	return j
}

// moments is a [profile.Moments]; its centre is in the layout.
type moments struct {
	Count   int64 `json:"count"`
	Sum     pair  `json:"sum"`
	Squares pair  `json:"squares"`
	Min     float `json:"min"`
	Max     float `json:"max"`
}

// pair is the high and low part of a [profile.Sum].
type pair [2]float

// float is a number in JSON, exact, and a string when it is not finite, as sums of the largest floats may be.
type float float64

// MarshalJSON writes the shortest text that reads back the same.
func (f float) MarshalJSON() ([]byte, error) {
	if x := float64(f); math.IsNaN(x) || math.IsInf(x, 0) {
		return json.Marshal(fmt.Sprint(x))
	}
	return json.Marshal(float64(f))
}

// UnmarshalJSON reads a number, or "NaN", "+Inf" or "-Inf".
func (f *float) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case `"NaN"`:
		*f = float(math.NaN())
	case `"+Inf"`:
		*f = float(math.Inf(1))
	case `"-Inf"`:
		*f = float(math.Inf(-1))
	default:
		return json.Unmarshal(b, (*float64)(f))
	}
	return nil
}

func countsOf(p *profile.Profile) []counts {
	all := make([]counts, len(p.Features))
	for i := range p.Features {
		f := &p.Features[i]
		all[i] = counts{
			Name: f.Layout.Name, Captured: f.Captured, Missing: f.Missing, Invalid: f.Invalid, NaN: f.NaN, Inf: f.Inf, Negative: f.Negative, Fractional: f.Fractional,
			Bins: f.Bins, Offsets: f.Offsets, New: f.New, NewOther: f.NewOther,
			Under: pair{float(f.Under.High), float(f.Under.Low)}, Over: pair{float(f.Over.High), float(f.Over.Low)},
		}
		if m := f.Moments; m.Count > 0 {
			all[i].Moments = &moments{
				Count: m.Count, Min: float(m.Min), Max: float(m.Max),
				Sum:     pair{float(m.Sum.High), float(m.Sum.Low)},
				Squares: pair{float(m.Squares.High), float(m.Squares.Low)},
			}
		}
	}
	return all
}

// Save writes the baseline to baseline.json in dir, which it makes if need be, and before it statistics.json and
// constraints.json if it has their contents. A file is there whole or not at all: it is written beside, synced and
// renamed. Save sets the ID, which is the content's.
func (b *Baseline) Save(dir string) (err error) {
	if b.ID, err = b.contentID(); err != nil {
		return fmt.Errorf("encode baseline: %w", err)
	}
	content, err := json.MarshalIndent(document{
		Version: fileVersion, ID: b.ID, Created: b.Created, ReviewBy: b.ReviewBy, Source: b.Source,
		Schema: b.Schema, Layout: b.Layout, Rows: b.Profile.Rows, Features: countsOf(b.Profile), Joint: jointOf(b.Profile), Seasonal: b.Seasonal.document(),
		Calibrations: b.Calibrations,
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("encode baseline: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if b.Statistics != nil {
		if err := saveJSON(dir, statisticsFile, b.Statistics); err != nil {
			return err
		}
	}
	if b.Constraints != nil {
		if err := saveJSON(dir, constraintsFile, b.Constraints); err != nil {
			return err
		}
	}
	return writeFile(dir, fileName, append(joinNumbers(content), '\n'))
}

// saveJSON writes a file of SageMaker's.
func saveJSON(dir, name string, content any) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(content); err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	return writeFile(dir, name, joinNumbers(b.Bytes()))
}

var numberLists = regexp.MustCompile(`\[\n[-+0-9.eE,\s]*\]`)

// joinNumbers puts lists of numbers on one line each. Within a JSON string there is no line break, so no name
// looks like a list.
func joinNumbers(indented []byte) []byte {
	return numberLists.ReplaceAllFunc(indented, func(list []byte) []byte {
		inner := bytes.Fields(list[1 : len(list)-1])
		return append(append([]byte{'['}, bytes.Join(inner, []byte{' '})...), ']')
	})
}

// writeFile replaces dir/name by a synced file of that content.
func writeFile(dir, name string, content []byte) (err error) {
	temp, err := os.CreateTemp(dir, name+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = temp.Close()
			_ = os.Remove(temp.Name())
		}
	}()
	if _, err = temp.Write(content); err != nil {
		return err
	}
	if err = temp.Chmod(0o644); err != nil {
		return err
	}
	if err = temp.Sync(); err != nil {
		return err
	}
	if err = temp.Close(); err != nil {
		return err
	}
	if err = os.Rename(temp.Name(), filepath.Join(dir, name)); err != nil {
		return err
	}
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}

// Load reads the baseline in dir and checks all of it.
func Load(dir string) (*Baseline, error) {
	path := filepath.Join(dir, fileName)
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no baseline at %s: make one with \"tidemark baseline build\", or name another directory: %w", path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read baseline: %w", err)
	}
	var version struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal(content, &version); err != nil {
		return nil, fmt.Errorf("%s: %w: %s", path, err, rebuild)
	}
	if version.Version != fileVersion {
		return nil, fmt.Errorf("%s: version is %d, this program reads %d: %s", path, version.Version, fileVersion, rebuild)
	}
	var d document
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		return nil, fmt.Errorf("%s: %s: %s", path, strings.TrimPrefix(err.Error(), "json: "), rebuild)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, fmt.Errorf("%s: more text after the baseline: %s", path, rebuild)
	}
	b, err := d.baseline()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", path, err, rebuild)
	}
	return b, nil
}
