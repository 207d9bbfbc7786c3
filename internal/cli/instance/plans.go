package instance

import "time"

// PlansPath is where a running instance tells the last plans that a loop of its made, by the query's loop and key, as a Plans in
// JSON; with 404 and the names of its loops where it has no loop of that name. A key is NAMESPACE/NAME, or NAME.
const PlansPath = "/plans"

// Plans are the last plans of a loop for a key that had anything in them, the newest first.
type Plans struct {
	Loop  string `json:"loop"`
	Key   string `json:"key"`
	Plans []Plan `json:"plans"`
}

// Plan is one that was carried out.
type Plan struct {
	// At is when it was decided.
	At time.Time `json:"at"`
	// Plan is the plan in prose.
	Plan string `json:"plan"`
	// Error is what went wrong in carrying it out; empty if nothing did.
	Error string `json:"error,omitempty"`
}
