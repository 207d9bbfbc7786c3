package cli

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/internal/await"
	"github.com/orrery-dev/orrery/internal/cli/instance"
	"github.com/orrery-dev/orrery/internal/cli/journal"
)

// served is a further node whose process answers by parts.
func served(t *testing.T, parts *inspectedParts) *instance.Instance {
	t.Helper()
	node := furtherNode(open(t, "orrery"), 2)
	if err := node.Prepare(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- node.Serve(ctx, func() instance.Status { return instance.Status{} }, parts.handlers())
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	await.Success(t, "the node answers", func() error { _, err := node.Loops(t.Context()); return err })
	return node
}

func TestALoopOfAFurtherNodeIsAskedAsIfItWereHere(t *testing.T) {
	var parts inspectedParts
	parts.of("sea")(remembering{})
	node := served(t, &parts)
	loops, err := node.Loops(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var here inspectedParts
	for _, l := range loops {
		here.of(node.Name)(remoteLoop{node, l})
	}
	for query, c := range map[string]struct {
		code int
		want string
	}{
		"loop=tides&key=default/moon":           {http.StatusOK, `"plans":[{"at":"1970-01-01T00:00:07Z","plan":"raise the sea: the moon is above"}]`},
		"loop=tides&key=default/moon&next=true": {http.StatusOK, `"next":"lower the sea: the moon has set"`},
		"loop=tides&key=default/sun&next=true":  {http.StatusNotFound, `there is no such moon`},
	} {
		answer := httptest.NewRecorder()
		here.handlers()[instance.PlansPath].ServeHTTP(answer, httptest.NewRequest(http.MethodGet, instance.PlansPath+"?"+query, nil))
		if answer.Code != c.code || !strings.Contains(answer.Body.String(), c.want) {
			t.Errorf("%s: got %d, %s; want %d, %s", query, answer.Code, answer.Body, c.code, c.want)
		}
	}
	if l, _ := here.named("tides"); len(l.keys()) != 1 || l.keys()[0] != "default/moon" {
		t.Errorf("its keys are %v", l.keys())
	}
	told := 0
	if err := node.Journal(t.Context(), 0, false, func(journal.Entry) { told++ }); err != nil || told != 1 {
		t.Errorf("its journal has %d entries (%v), want 1", told, err)
	}
}

func TestALoopThatIsAboutANodeBearsItsName(t *testing.T) {
	node := &instance.Instance{Name: "node-2"}
	for loop, c := range map[string]struct{ of, want string }{
		"pods": {"Pod", "pods"}, "proxy": {"", "proxy@node-2"}, "routes": {"", "routes@node-2"},
	} {
		if got := nameOn(node, loop, c.of); got != c.want {
			t.Errorf("%s is called %s, want %s", loop, got, c.want)
		}
	}
}
