// Package hermetic runs somebody else's test suite, which knows nothing of this module, with the programs that `orrery envtest` gives it.
package hermetic
