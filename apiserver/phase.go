package apiserver

import "time"

// The phases of a start, in the order they begin. Those of one server may overlap.
const (
	// PhaseCertificates locks the data directory and opens the certificate store.
	PhaseCertificates = "certificates"
	// PhaseEtcd starts etcd, or reaches the external one.
	PhaseEtcd = "etcd"
	// PhaseAPIServer builds the API server and begins to serve.
	PhaseAPIServer = "API server"
	// PhaseBootstrap creates the roles of the components, and the definitions of the second names.
	PhaseBootstrap = "roles and definitions"
	// PhaseReady waits for /readyz.
	PhaseReady = "ready"
)

// Phase is one step of a start, told twice: when it begins and when it has ended.
type Phase struct {
	// Name is one of the Phase constants.
	Name string
	// Done says that it has ended. Err is then nil when it went well.
	Done bool
	Err  error
	// Took is how long it lasted, when Done.
	Took time.Duration
}

// begin reports the beginning of a phase and returns what reports its end.
func (s *Server) begin(name string) (end func(error)) {
	started := time.Now()
	s.report(Phase{Name: name})
	return func(err error) {
		s.report(Phase{Name: name, Done: true, Err: err, Took: time.Since(started)})
	}
}

func (s *Server) report(phase Phase) {
	if s.options.Progress == nil {
		return
	}
	s.progress.Lock()
	defer s.progress.Unlock()
	s.options.Progress(phase)
}
