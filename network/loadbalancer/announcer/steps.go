package announcer

import "context"

// answers is what steps act with: what this machine answers for.
type answers interface {
	// begin answers for an address from now on, and tells everybody on the link.
	begin(a Announcement) error
	// end falls silent about it.
	end(a Announcement) error
}

// announce begins to answer for an address.
type announce struct{ reasoned }

func (*announce) Verb() string { return "announce" }

func (s *announce) String() string { return "announce " + s.Announcement.String() }

func (s *announce) Why() string { return s.why }

func (s *announce) Do(_ context.Context, a answers) error { return a.begin(s.Announcement) }

// fallSilent ends that.
type fallSilent struct{ Announcement }

func (*fallSilent) Verb() string { return "withdraw" }

func (s *fallSilent) String() string { return "withdraw " + s.Announcement.String() }

func (*fallSilent) Why() string { return "no Service has it, or another node answers for it" }

func (s *fallSilent) Do(_ context.Context, a answers) error { return a.end(s.Announcement) }
