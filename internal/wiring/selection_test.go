package wiring

import (
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/controllers"
)

func TestALoopThatIsNamedAndCannotRunHereIsRefused(t *testing.T) {
	all := controllers.All(controllers.Options{})
	ours := controllers.Within(controllers.OurKinds, all)
	for name, c := range map[string]struct {
		words    string
		runnable []controllers.Entry
		want     string // empty where it is accepted
	}{
		"one that runs":                          {"deployment", ours, ""},
		"all that can":                           {"*", ours, ""},
		"without one that does not run here":     {"*,-namespace", ours, ""},
		"the cluster's, where those do not run":  {"*,namespace", ours, "namespace-controller acts on what every cluster has"},
		"one that signs, where there is no key":  {"serviceaccount-token", ours, "signs with the key of an API server"},
		"the cluster's and the one that signs":   {"namespace,serviceaccount-token", all, ""},
		"one of the two loops that are one name": {"job", ours, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var s Selection
			if err := s.Set(c.words); err != nil {
				t.Fatal(err)
			}
			err := checkSelection(s, c.runnable)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
