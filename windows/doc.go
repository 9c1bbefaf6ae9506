// Package windows is the arithmetic of event time. It knows no clock, no Kafka and no goroutine.
//
// An event time is when a prediction was made. A window is a half-open interval [start, end) of event time,
// aligned to the Unix epoch in UTC. Tumbling windows follow each other; sliding windows (what Kafka Streams and
// Flink SQL call hopping) overlap: one starts at each multiple of the slide. A pane is the slice of time that the
// windows of an endpoint share, so that a record is counted once however many windows it is in.
//
// The frontier of an endpoint is the event time up to which its records have been read; it is the minimum over the
// partitions that its traffic is in. The watermark of a monitor is the frontier less the allowed lateness: no
// record before it is expected any more. A window closes once, when its end is not after the watermark. A record
// that comes for a closed window is late. A partition is idle when the broker said that it holds nothing unread;
// it does not hold the frontier then.
package windows
