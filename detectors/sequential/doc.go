// Package sequential detects change record by record: a detector takes one value at a time and says after each whether
// the stream still looks as before. It needs no reference and no window length; it compares the stream with its own past.
//
// There is one file for each detector, all of one shape: its rule and its source, its parameters with meaning and
// default, then Update and the state. [New] makes a detector by its name, [Names] lists them, and [Parameters] says what
// can be set. Two kinds of stream are watched:
//
//   - adwin, page_hinkley, cusum and kswin take any number: a feature, a prediction, a loss;
//   - ddm and eddm take errors, 1 for a wrong prediction and 0 for a right one; hddm_a and hddm_w take those or any other
//     value in [0, 1].
//
// A value that a detector is not for - NaN, an infinity, a size over 1e100, or one outside these sets - is [Ignored]: it
// changes nothing, and the caller counts it. So the state holds finite numbers only, and no sum or square overflows.
//
// After [Drift] a detector forgets everything: the next value that it takes is the first of a new stream.
//
// The detections are those of river 0.26.1, and for cusum of frouros 0.9.0, at the same parameters: operations are done
// in the same order, and each product is rounded before it is added (an explicit conversion keeps compilers from fusing
// the two), so that every machine decides alike.
//
// The state of a detector is written by MarshalBinary: equal detectors that took equal values give equal bytes.
// UnmarshalBinary puts it into a detector of the same parameters, which goes on as the first would have. A detector is
// for one goroutine.
package sequential
