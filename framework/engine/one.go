package engine

// One is the key of a loop that is about a single thing, as a table in the kernel or a zone of names.
type One struct{}

// String is "all".
func (One) String() string { return "all" }

// ParseOne takes any word for the one key that there is, for [Inspect].
func ParseOne(string) (One, error) { return One{}, nil }
