package baseline

import (
	"encoding/json"
	"errors"
	"fmt"
)

// MarshalJSON writes statistics.json as Model Monitor does: version 0.0 and all figures but the counts of rows as
// floats, figures that are not finite as strings. A String column with more than 120 different values has no
// distribution. A sketch is written when one was read; it is not made from counted rows.
func (s *Statistics) MarshalJSON() ([]byte, error) {
	d := statisticsDocument{Dataset: datasetDocument{Items: integer(s.Rows)}, Features: make([]featureDocument, len(s.Features))}
	for i := range s.Features {
		d.Features[i].write(&s.Features[i])
	}
	return json.Marshal(d)
}

type statisticsDocument struct {
	Version  decimal           `json:"version"`
	Dataset  datasetDocument   `json:"dataset"`
	Features []featureDocument `json:"features"`
}

type datasetDocument struct {
	Items integer `json:"item_count"`
}

type featureDocument struct {
	Name    string           `json:"name"`
	Type    DataType         `json:"inferred_type"`
	Numbers *numbersDocument `json:"numerical_statistics,omitempty"`
	Names   *namesDocument   `json:"string_statistics,omitempty"`
}

type commonDocument struct {
	Present *integer `json:"num_present"`
	Missing *integer `json:"num_missing"`
}

type numbersDocument struct {
	Common       commonDocument `json:"common"`
	Mean         *decimal       `json:"mean,omitempty"`
	Sum          *decimal       `json:"sum,omitempty"`
	StdDev       *decimal       `json:"std_dev,omitempty"`
	Min          *decimal       `json:"min,omitempty"`
	Max          *decimal       `json:"max,omitempty"`
	Distribution *struct {
		KLL *kllDocument `json:"kll,omitempty"`
	} `json:"distribution,omitempty"`
}

type kllDocument struct {
	Buckets []bucketDocument `json:"buckets"`
	Sketch  *sketchDocument  `json:"sketch,omitempty"`
}

type bucketDocument struct {
	Lower decimal `json:"lower_bound"`
	Upper decimal `json:"upper_bound"`
	Count decimal `json:"count"`
}

type sketchDocument struct {
	Parameters struct {
		C decimal `json:"c"`
		K decimal `json:"k"`
	} `json:"parameters"`
	Data [][]decimal `json:"data"`
}

type namesDocument struct {
	Common       commonDocument `json:"common"`
	Distinct     decimal        `json:"distinct_count"`
	Completeness decimal        `json:"completeness"`
	Distribution *struct {
		Categorical *categoricalDocument `json:"categorical,omitempty"`
	} `json:"distribution,omitempty"`
}

type categoricalDocument struct {
	Buckets []nameDocument `json:"buckets"`
}

type nameDocument struct {
	Value string  `json:"value"`
	Count integer `json:"count"`
}

// read checks the counts and copies the figures to f.
func (d *featureDocument) read(f *FeatureStatistics) error {
	if d.Name == "" {
		return errors.New("it has no name")
	}
	f.Name, f.Type = d.Name, d.Type
	switch {
	case d.Type == "" && d.Numbers != nil:
		f.Type = Fractional
	case d.Type == "" && d.Names != nil:
		f.Type = String
	case d.Type == "":
		f.Type = Unknown
	case d.Type != Integral && d.Type != Fractional && d.Type != String && d.Type != Unknown:
		return fmt.Errorf("inferred_type is %q: it must be Integral, Fractional, String or Unknown", d.Type)
	}
	switch {
	case f.Type == String && d.Names != nil:
		if err := d.Names.Common.read(f); err != nil {
			return err
		}
		return d.Names.read(f)
	case f.Type != String && f.Type != Unknown && d.Numbers != nil:
		if err := d.Numbers.Common.read(f); err != nil {
			return err
		}
		if f.Type == Integral {
			f.Types.Integral = f.Present
		} else {
			f.Types.Fractional = f.Present
		}
		return d.Numbers.read(f)
	case f.Type != Unknown:
		return fmt.Errorf("inferred_type is %s, but it has no statistics of that kind", f.Type)
	case d.Names != nil:
		return d.Names.Common.read(f)
	case d.Numbers != nil:
		return d.Numbers.Common.read(f)
	}
	return nil
}

func (d *commonDocument) read(f *FeatureStatistics) (err error) {
	if d.Present == nil || d.Missing == nil {
		return errors.New("common: num_present or num_missing is not there")
	}
	if f.Present, err = d.Present.count("num_present"); err != nil {
		return err
	}
	f.Missing, err = d.Missing.count("num_missing")
	return err
}

func (d *numbersDocument) read(f *FeatureStatistics) error {
	if f.Present == 0 {
		return nil
	}
	n := &NumberStatistics{}
	for _, figure := range []struct {
		name string
		from *decimal
		to   *float64
	}{{"mean", d.Mean, &n.Mean}, {"std_dev", d.StdDev, &n.StdDev}, {"min", d.Min, &n.Min}, {"max", d.Max, &n.Max}} {
		if figure.from == nil {
			return fmt.Errorf("%s is not there", figure.name)
		}
		*figure.to = float64(*figure.from)
	}
	n.Sum = n.Mean * float64(f.Present)
	if d.Sum != nil {
		n.Sum = float64(*d.Sum)
	}
	f.Numbers = n
	if d.Distribution == nil || d.Distribution.KLL == nil {
		return nil
	}
	kll := d.Distribution.KLL
	for _, b := range kll.Buckets {
		n.Buckets = append(n.Buckets, Bucket{float64(b.Lower), float64(b.Upper), float64(b.Count)})
	}
	if kll.Sketch == nil {
		return nil
	}
	n.Sketch = &Sketch{C: float64(kll.Sketch.Parameters.C), K: float64(kll.Sketch.Parameters.K)}
	for _, level := range kll.Sketch.Data {
		values := make([]float64, len(level))
		for i, x := range level {
			values[i] = float64(x)
		}
		n.Sketch.Levels = append(n.Sketch.Levels, values)
	}
	return nil
}

func (d *namesDocument) read(f *FeatureStatistics) error {
	f.Types.String = f.Present
	f.Names = &NameStatistics{Distinct: float64(d.Distinct), Unlisted: f.Present}
	if d.Distribution == nil || d.Distribution.Categorical == nil {
		return nil
	}
	f.Names.Values = []NameCount{}
	for _, b := range d.Distribution.Categorical.Buckets {
		n, err := b.Count.count("count")
		if err != nil {
			return fmt.Errorf("value %q: %w", b.Value, err)
		}
		if n > f.Names.Unlisted {
			return fmt.Errorf("value %q: with its count, %d, the values are more than num_present, %d", b.Value, n, f.Present)
		}
		f.Names.Unlisted -= n
		f.Names.Values = append(f.Names.Values, NameCount{b.Value, n})
	}
	return nil
}

func (d *featureDocument) write(f *FeatureStatistics) {
	d.Name, d.Type = f.Name, f.Type
	present, missing := integer(f.Present), integer(f.Missing)
	common := commonDocument{&present, &missing}
	if f.Type == String || f.Type == Unknown {
		d.Names = &namesDocument{Common: common, Completeness: decimal(f.Completeness())}
		if n := f.Names; n != nil {
			d.Names.Distinct = decimal(n.Distinct)
			d.Names.list(n)
		}
		return
	}
	d.Numbers = &numbersDocument{Common: common}
	if n := f.Numbers; n != nil {
		d.Numbers.write(n)
	}
}

func (d *namesDocument) list(n *NameStatistics) {
	if !n.listed() {
		return
	}
	d.Distribution = &struct {
		Categorical *categoricalDocument `json:"categorical,omitempty"`
	}{&categoricalDocument{Buckets: make([]nameDocument, len(n.Values))}}
	for i, v := range n.Values {
		d.Distribution.Categorical.Buckets[i] = nameDocument{v.Value, integer(v.Count)}
	}
}

func (d *numbersDocument) write(n *NumberStatistics) {
	float := func(x float64) *decimal { return new(decimal(x)) }
	d.Mean, d.Sum, d.StdDev, d.Min, d.Max = float(n.Mean), float(n.Sum), float(n.StdDev), float(n.Min), float(n.Max)
	if n.Buckets == nil && n.Sketch == nil {
		return
	}
	kll := &kllDocument{Buckets: make([]bucketDocument, len(n.Buckets))}
	for i, b := range n.Buckets {
		kll.Buckets[i] = bucketDocument{decimal(b.Lower), decimal(b.Upper), decimal(b.Count)}
	}
	if n.Sketch != nil {
		kll.Sketch = &sketchDocument{Data: make([][]decimal, len(n.Sketch.Levels))}
		kll.Sketch.Parameters.C, kll.Sketch.Parameters.K = decimal(n.Sketch.C), decimal(n.Sketch.K)
		for i, level := range n.Sketch.Levels {
			kll.Sketch.Data[i] = make([]decimal, len(level))
			for k, x := range level {
				kll.Sketch.Data[i][k] = decimal(x)
			}
		}
	}
	d.Distribution = &struct {
		KLL *kllDocument `json:"kll,omitempty"`
	}{kll}
}
