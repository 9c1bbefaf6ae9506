package processor

import "time"

const (
	// maxCommitInterval bounds the time between two commits of ingest. A new endpoint closes no window for windows.Settle,
	// so that each reader has committed by then and it is known where the endpoint's traffic is; and a proof of idleness, which
	// is as old as the commit before the last, holds for windows.Lease. So this and a commit take less than the one, and twice
	// that less than the other.
	maxCommitInterval = 4 * time.Second

	somePanes  = 1 << 20 // bytes of a commit's panes from which on fewer commits are worth their delay
	panesShare = 10      // of the captures, that the panes are to be at most: one in so many bytes
)

// paced is how long ingest reads until its next commit, after one that was so long in the making: longer while the panes that it
// wrote are more than a tenth of the captures that it read, in bytes. Panes are the smaller the more rows they hold; a byte of them takes some
// six times as much work as a byte of captures. In half the time there are half the captures, and panes of no more bytes: so
// at less than a twentieth, or when the panes are few, commits may come twice as often and need not go back.
func paced(interval time.Duration, panes, captures int64) time.Duration {
	switch {
	case panes > somePanes && panes*panesShare > captures:
		return min(2*interval, maxCommitInterval)
	case panes < somePanes/2 || panes*panesShare*2 < captures:
		return max(interval/2, commitInterval)
	}
	return interval
}
