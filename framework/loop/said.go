package loop

import (
	"errors"
	"sync"

	"github.com/orrery-dev/orrery/framework/engine"
	"github.com/orrery-dev/orrery/framework/plan"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// said is what has been told about objects for which nothing could be observed. The zero value is empty.
type said struct {
	mu    sync.Mutex
	about map[client.ObjectKey]string
}

// news is the event to record about how an observation ended; nil if there is none, or it has been told. Another error, as of an API
// server that is away, says nothing about the object.
func (s *said) news(key client.ObjectKey, err error) *plan.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	var about *plan.AboutError
	switch {
	case err == nil || errors.Is(err, engine.ErrGone):
		delete(s.about, key)
		return nil
	case !errors.As(err, &about) || s.about[key] == about.Event.Message:
		return nil
	}
	if s.about == nil {
		s.about = map[client.ObjectKey]string{}
	}
	s.about[key] = about.Event.Message
	return &about.Event
}
