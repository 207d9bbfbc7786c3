package doctor

import (
	"errors"
	"fmt"
)

// Level is how bad a finding is.
type Level string

// The levels, from the best to the worst. Unknown is what could not be looked at, and is no worse than well.
const (
	OK      Level = "ok"
	Unknown Level = "unknown"
	Warning Level = "warning"
	Error   Level = "error"
)

// Finding is what a check has found. Its JSON is stable: fields may be added.
type Finding struct {
	Check string `json:"check"`
	Level Level  `json:"level"`
	// What is so, as a sentence with the numbers in it.
	What string `json:"what"`
	// Why it matters, and Cure, the command that puts it right; both empty where all is well.
	Why  string `json:"why,omitempty"`
	Cure string `json:"cure,omitempty"`
}

// check looks at one thing. It finds nothing on a machine of a kind that does not have the thing.
type check struct {
	name string
	// forContainers leaves it out where no containers are to run.
	forContainers bool
	judge         func(Machine) []Finding
}

// checks are all checks, in the order in which a person reads them: what is needed at all, what runs short, what is in the way.
var checks = []check{
	{"root", true, root},
	{"capabilities", true, capabilities},
	{"runtime", true, programs},
	{"nft", true, nft},
	{"cgroups", true, cgroups},
	{"overlayfs", true, overlay},
	{"user-namespaces", true, userNamespaces},
	{"memory", false, memory},
	{"disk", false, disk},
	{"open-files", false, files},
	{"pids", true, pids},
	{"inotify", false, inotify},
	{"forwarding", true, forwarding},
	{"firewall", true, firewall},
	{"rp-filter", true, reversePath},
	{"addresses", true, addresses},
	{"ports", false, ports},
	{"clock", false, clock},
	{"leftovers", false, leftovers},
}

// Judge says how a machine is. It is pure. Each check that applies has a finding at least.
func Judge(m Machine) []Finding {
	var found []Finding
	for _, c := range checks {
		if c.forContainers && !m.Containers {
			continue
		}
		for _, finding := range c.judge(m) {
			finding.Check = c.name
			found = append(found, finding)
		}
	}
	return found
}

// Worst is the worst level among findings.
func Worst(findings []Finding) Level {
	rank := map[Level]int{OK: 0, Unknown: 0, Warning: 1, Error: 2}
	worst := OK
	for _, f := range findings {
		if rank[f.Level] > rank[worst] {
			worst = f.Level
		}
	}
	return worst
}

func well(format string, args ...any) []Finding {
	return []Finding{{Level: OK, What: fmt.Sprintf(format, args...)}}
}

func warn(what, why, cure string) []Finding {
	return []Finding{{Level: Warning, What: what, Why: why, Cure: cure}}
}

func fail(what, why, cure string) []Finding {
	return []Finding{{Level: Error, What: what, Why: why, Cure: cure}}
}

// look judges a fact that was seen. One that was not is unknown, and one that such a machine does not have is nothing.
func look[T any](seen Seen[T], what string, judge func(T) []Finding) []Finding {
	switch {
	case errors.Is(seen.Err, ErrElsewhere):
		return nil
	case seen.Err != nil:
		return []Finding{{Level: Unknown, What: fmt.Sprintf("%s could not be looked at: %v", what, seen.Err)}}
	default:
		return judge(seen.Value)
	}
}
