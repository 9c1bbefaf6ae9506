package detectors

import "slices"

// Tests are the statistics that say whether a difference can be chance, and not how large it is: they grow with the
// number of rows, or have no common scale. Rules on them need alpha.
var Tests = []string{"cramer_von_mises", "anderson_darling", "mann_whitney", "welch_t", "chi_square", "g_test", "proportion_z", "fisher"}

// WithPValue are the statistics whose scores come with a p-value: rules on them may be given alpha.
var WithPValue = slices.Concat([]string{"psi", "ks", "jensen_shannon", "hellinger", "kullback_leibler"}, Tests)
