package detectors

import "tidemark/profile"

// Cuts returns the first fine bin of each cell that [PSI] compares a numeric feature over, but the first.
func Cuts(reference *profile.Feature) []int { return cuts(reference) }
