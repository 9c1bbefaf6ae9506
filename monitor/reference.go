package monitor

import (
	"fmt"
	"slices"
	"time"

	"tidemark/baseline"
	"tidemark/profile"
	"tidemark/windows"
)

// The kinds of reference that a monitor can compare its windows with.
const (
	ReferenceBaseline = "baseline" // the baseline, or, if it is seasonal, its slots that the window covers
	ReferencePrevious = "previous" // the window of the same size just before
	ReferenceLag      = "lag"      // the window of the same size that began a fixed time earlier
)

var referenceKinds = []string{ReferenceBaseline, ReferencePrevious, ReferenceLag}

// referenceSeasonal is what reports call the slots of a seasonal baseline.
const referenceSeasonal = "seasonal"

// ReferenceConfig chooses what windows are compared with. Whatever it is, schema and layout are the baseline's.
type ReferenceConfig struct {
	Kind string        `yaml:"kind"`
	Lag  time.Duration `yaml:"lag"` // of kind lag: how much earlier the reference began
}

// MaxKept is how many windows of a size and variant are kept to compare later ones with.
const MaxKept = 1440

// complete fills in what was left out.
func (r *ReferenceConfig) complete() {
	switch {
	case r.Kind != "":
	case r.Lag != 0:
		r.Kind = ReferenceLag
	default:
		r.Kind = ReferenceBaseline
	}
}

// check reports every fault.
func (r *ReferenceConfig) check(specs []windows.Spec, fault func(path, message string)) {
	if !slices.Contains(referenceKinds, r.Kind) {
		fault("reference.kind", fmt.Sprintf("%q is not known: use one of %v", r.Kind, referenceKinds))
		return
	}
	if r.Kind != ReferenceLag {
		if r.Lag != 0 {
			fault("reference.lag", fmt.Sprintf("is given, but the kind is %s: remove it, or make the kind lag", r.Kind))
		}
		return
	}
	if r.Lag <= 0 {
		fault("reference.lag", fmt.Sprintf("is %v: give how much earlier the reference began, such as 7d", r.Lag))
		return
	}
	for _, spec := range specs {
		if field, _ := spec.Validate(); field != "" {
			continue // it has a fault of its own
		}
		size, step := windows.FormatDuration(spec.Size), windows.FormatDuration(spec.Step())
		switch {
		case r.Lag < spec.Size:
			fault("reference.lag", fmt.Sprintf("is %s: windows of %s would overlap their own reference; give %s or more", windows.FormatDuration(r.Lag), size, size))
		case r.Lag%spec.Step() != 0:
			fault("reference.lag", fmt.Sprintf("is %s: no window of %s began then; give a multiple of %s", windows.FormatDuration(r.Lag), size, step))
		case r.Lag/spec.Step() > MaxKept:
			fault("reference.lag", fmt.Sprintf("is %s: %d windows of %s, one every %s, would have to be kept, and %d may be; give a shorter lag or a longer slide",
				windows.FormatDuration(r.Lag), r.Lag/spec.Step(), size, step, MaxKept))
		}
	}
}

// rolling says whether windows are compared with earlier windows.
func (r *ReferenceConfig) rolling() bool {
	return r.Kind == ReferencePrevious || r.Kind == ReferenceLag
}

// lag is how much earlier than a window of the spec its reference began.
func (r *ReferenceConfig) lag(spec windows.Spec) time.Duration {
	if r.Kind == ReferencePrevious {
		return spec.Size
	}
	return r.Lag
}

// Reference says what a window was compared with.
type Reference struct {
	Kind            string         `json:"kind"` // baseline, seasonal, previous or lag
	Rows            int64          `json:"rows"`
	Cycle           baseline.Cycle `json:"cycle,omitempty"`  // seasonal
	Slots           int            `json:"slots,omitempty"`  // seasonal: how many of the cycle's
	Pooled          bool           `json:"pooled,omitempty"` // seasonal: the window's own slots had too few rows
	*windows.Window                // previous and lag
}

// other is nil where the reference is the whole baseline.
func (r *Reference) other() *Reference {
	if r.Kind == ReferenceBaseline {
		return nil
	}
	return r
}

// words says where the reference's values were; that of an alert is nil when it is the whole baseline.
func (r *Reference) words() string {
	switch {
	case r == nil:
		return "in the baseline"
	case r.Window != nil:
		return fmt.Sprintf("in the window to %s", r.End)
	}
	return "in the baseline's slots"
}

// compared is a profile to compare a window with. It is empty when the earlier window is not there.
type compared struct {
	Reference
	profile *profile.Profile
	missing bool
}

// pastKey names the windows that are kept of a monitor.
type pastKey struct {
	monitor, variant string
	size             time.Duration
}

// past is closed windows that later ones are compared with: encoded profiles by the windows' starts.
type past = windows.Panes[[]byte]

// reference finds what a window is compared with.
func (e *endpoint) reference(m *Monitor, variant string, spec windows.Spec, w windows.Window) (compared, error) {
	if !m.Reference.rolling() {
		r, err := m.Baseline.Reference(w)
		if err != nil {
			return compared{}, fmt.Errorf("monitor %q, baseline %s: %w", m.Name, m.Baseline.ID, err)
		}
		found := compared{Reference{Kind: ReferenceBaseline, Rows: r.Profile.Rows}, r.Profile, false}
		if r.Cycle != "" {
			found.Kind, found.Cycle, found.Slots, found.Pooled = referenceSeasonal, r.Cycle, r.Slots, r.Pooled
		}
		return found, nil
	}
	lag := m.Reference.lag(spec)
	earlier := windows.Window{Start: w.Start.Add(-lag), End: w.End.Add(-lag)}
	found := compared{Reference{Kind: m.Reference.Kind, Window: &earlier}, profile.New(m.Layout()), true}
	kept := e.past[pastKey{m.Name, variant, spec.Size}]
	if kept == nil {
		return found, nil
	}
	encoded, ok := kept.Get(earlier.Start)
	if !ok {
		return found, nil
	}
	if err := found.profile.MergeEncoded(encoded); err != nil {
		return compared{}, fmt.Errorf("endpoint %q, variant %q, kept window %v: %w", e.name, variant, earlier.Start, err)
	}
	found.Rows, found.missing = found.profile.Rows, false
	return found, nil
}

// keep keeps a closed window for later ones to be compared with.
func (e *endpoint) keep(m *Monitor, variant string, spec windows.Spec, w windows.Window, current *profile.Profile, out *Output) {
	if !m.Reference.rolling() {
		return
	}
	saved := SavedWindow{
		Version: stateVersion, Endpoint: e.name, Monitor: m.Name, Variant: variant, Layout: m.Layout().ID(),
		Window: w, Profile: current.Append(nil),
	}
	ring := int64(m.Reference.lag(spec) / spec.Step()) // no more are needed at once, see needs
	saved.Slot = floorMod(int64(w.Start)/spec.Step().Milliseconds(), ring)
	e.putPast(&saved)
	out.Windows = append(out.Windows, saved)
}

func (e *endpoint) putPast(saved *SavedWindow) {
	key := pastKey{saved.Monitor, saved.Variant, saved.Window.Size()}
	if e.past[key] == nil {
		e.past[key] = &past{}
	}
	e.past[key].Put(saved.Window.Start, saved.Profile)
}

// needs says whether a window of the i-th monitor that is not closed yet is compared with the one from start on.
func (e *endpoint) needs(i int, spec windows.Spec, start windows.Time) bool {
	m := e.monitors[i]
	return m.Reference.rolling() && start.Add(m.Reference.lag(spec)+spec.Size) > e.closed[i]
}

// forget drops the kept windows that no window is compared with any more.
func (e *endpoint) forget() {
	for i, m := range e.monitors {
		for _, spec := range m.Windows {
			for key, kept := range e.past {
				if key.monitor != m.Name || key.size != spec.Size {
					continue
				}
				kept.Drop(func(start windows.Time) bool { return !e.needs(i, spec, start) })
				if _, left := kept.Next(windows.Never); !left {
					delete(e.past, key)
				}
			}
		}
	}
}

// SavedWindow is a closed window that later ones are compared with.
type SavedWindow struct {
	Version  int            `json:"version"`
	Slot     int64          `json:"-"` // the window's place in the ring of its monitor, variant and size
	Endpoint string         `json:"endpoint"`
	Monitor  string         `json:"monitor"`
	Variant  string         `json:"variant"`
	Layout   string         `json:"layout"`
	Window   windows.Window `json:"window"`
	Size     int            `json:"size"` // bytes of the encoded profile
	Profile  []byte         `json:"-"`    // encoded
}

// Key is the key of the saved window in a compacted topic: a place in a ring, so that windows need no tombstones.
func (s *SavedWindow) Key() string {
	return fmt.Sprintf("window/%d/%s/%s/%s/%s", s.Slot, windows.FormatDuration(s.Window.Size()), escape(s.Variant), escape(s.Monitor), s.Endpoint)
}

// Append writes the saved window behind b: the length of the JSON head as a varint, the head, the profile.
func (s *SavedWindow) Append(b []byte) ([]byte, error) {
	s.Size = len(s.Profile)
	b, err := appendHead(b, s)
	if err != nil {
		return nil, fmt.Errorf("encode window of endpoint %q: %w", s.Endpoint, err)
	}
	return append(b, s.Profile...), nil
}

// DecodeWindow reads what Append wrote. The profile shares the memory of b.
func DecodeWindow(b []byte) (s SavedWindow, err error) {
	if s.Profile, err = cutHead(b, &s); err != nil {
		return s, fmt.Errorf("decode saved window: %w", err)
	}
	if s.Version != stateVersion {
		return s, fmt.Errorf("decode saved window: version %d, this program reads version %d", s.Version, stateVersion)
	}
	if len(s.Profile) != s.Size {
		return s, fmt.Errorf("decode saved window: %d bytes of profile, the head says %d", len(s.Profile), s.Size)
	}
	return s, nil
}

// RestoreWindow takes back a saved window, unless no window is compared with it any more or the baseline's layout is
// another now. It must come after the endpoint's state.
func (s *Shard) RestoreWindow(saved SavedWindow) {
	e := s.endpoint(saved.Endpoint)
	if e == nil {
		return
	}
	for i, m := range e.monitors {
		for _, spec := range m.Windows {
			if m.Name == saved.Monitor && spec.Size == saved.Window.Size() && m.Layout().ID() == saved.Layout && e.needs(i, spec, saved.Window.Start) {
				e.putPast(&saved)
			}
		}
	}
}
