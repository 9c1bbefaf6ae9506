package windows

// Silence says when the endpoint's last record was appended to its topics, and until when nothing more of it was: all
// that was appended before that has been read. A partition that is idle was read to when its reader asked, another
// to its last record that was read, so that a reader that is behind or gone is not taken for an endpoint that is.
//
// It is not known while some partition has not reported, and of an endpoint whose traffic was replays that ended.
func (f *Frontier) Silence(partitions *Partitions, at Time) (last, until Time, known bool) {
	last, until = Never, at
	topics := map[string]bool{}
	live := false
	for source, p := range f.sources {
		last = max(last, p.Appended)
		live = live || !p.Ended
		topics[source.Topic] = true
	}
	for topic := range topics {
		if !partitions.complete(topic) {
			return last, until, false
		}
	}
	for source, status := range partitions.sources {
		if topics[source.Topic] {
			until = min(until, status.read(at))
		}
	}
	return last, max(last, until), live && last != Never
}
