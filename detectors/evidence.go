package detectors

// WithPValue are the statistics whose scores come with a p-value: rules on them may be given alpha.
var WithPValue = []string{"psi", "jensen_shannon", "hellinger", "kullback_leibler", "chi_square", "g_test", "proportion_z", "fisher"}
