package rbac

import "slices"

// Judgement is how what was granted compares with what was used.
type Judgement struct {
	// Unused are the rights that nothing has used, and for which there is no reason.
	Unused []Grant
	// Excused are those for which there is one.
	Excused []Excuse
	// Idle are the reasons that are about nothing that is granted.
	Idle []Reason
}

// Excuse is a right that nothing has used, and why it is granted.
type Excuse struct {
	Grant Grant
	Why   string
}

// Judge compares what was granted with the requests that were allowed. The reasons of [Unseen] count too, after these. A reason that is about
// rights beside others is none where those are unused themselves.
func Judge(granted []Grant, allowed []Request, reasons []Reason) Judgement {
	used := func(g Grant) bool { return slices.ContainsFunc(allowed, g.Covers) }
	rest := slices.DeleteFunc(slices.Clone(granted), used)
	j := Judgement{Idle: idle(reasons, granted)}
	for beside := granted; ; {
		unused := len(j.Unused)
		j.Unused, j.Excused = excuse(rest, beside, slices.Concat(reasons, Unseen()))
		if len(j.Unused) == unused {
			return j
		}
		beside = slices.DeleteFunc(slices.Clone(granted), func(g Grant) bool { return slices.Contains(j.Unused, g) })
	}
}

// excuse parts rights that were not used into those that there is no reason for, as they stand beside others, and those that there is one for.
func excuse(rest, beside []Grant, reasons []Reason) (unused []Grant, excused []Excuse) {
	for _, g := range rest {
		i := slices.IndexFunc(reasons, func(r Reason) bool { return r.Covers(g, beside) })
		if i < 0 {
			unused = append(unused, g)
			continue
		}
		excused = append(excused, Excuse{g, reasons[i].Why})
	}
	return unused, excused
}

// idle are the reasons that are about nothing that is granted.
func idle(reasons []Reason, granted []Grant) []Reason {
	return slices.DeleteFunc(slices.Clone(reasons), func(r Reason) bool {
		return r.Maybe || slices.ContainsFunc(granted, func(g Grant) bool { return r.Covers(g, granted) })
	})
}
