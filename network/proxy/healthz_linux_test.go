package proxy

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/orrery-dev/orrery/network/nft"
	"github.com/orrery-dev/orrery/network/nft/nfttest"
)

func TestAProxyIsUnhealthyAfterAMinuteOfFailures(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	refused := errors.New("the kernel refuses")
	type noted struct {
		ago time.Duration
		err error
	}
	for _, c := range []struct {
		name    string
		noted   []noted
		healthy bool
		updated time.Duration // ago
	}{
		{"at its start", nil, true, 0},
		{"when nothing has failed", []noted{{time.Hour, nil}}, true, 0},
		{"when it has failed for a short time", []noted{{time.Hour, nil}, {59 * time.Second, refused}, {time.Second, refused}}, true, 59 * time.Second},
		{"when it has failed for long", []noted{{time.Hour, nil}, {time.Minute, refused}, {time.Second, refused}}, false, time.Minute},
		{"when it works again", []noted{{time.Minute, refused}, {time.Second, nil}}, true, 0},
	} {
		var r record
		for _, n := range c.noted {
			r.note(n.err, now.Add(-n.ago))
		}
		if got := r.condition(now); got.Healthy != c.healthy || now.Sub(got.LastUpdated) != c.updated {
			t.Errorf("%s: healthy %t, updated %s ago", c.name, got.Healthy, now.Sub(got.LastUpdated))
		}
	}
}

func TestAProxyNotesWhatBecomesOfTheTable(t *testing.T) {
	kernel := nfttest.New(family, "test")
	p := newProxy(worldOf().Options, &cluster{World: worldOf(service())}, nft.NewFor("test", kernel), &flowTable{})
	kernel.Fail = true
	if err := p.Sync(t.Context()); err == nil || p.node.record.failing.IsZero() {
		t.Errorf("a write that failed (%v) is not noted", err)
	}
	if err := p.Sync(t.Context()); err != nil || !p.node.record.failing.IsZero() {
		t.Errorf("a write that succeeded (%v) is not noted", err)
	}
}

func TestHealthzKnowsThatTheNodeGoes(t *testing.T) {
	now := metav1.Now()
	leaving, doomed := nodeIn("a"), nodeIn("a")
	leaving.DeletionTimestamp = &now
	doomed.Spec.Taints = []corev1.Taint{{Key: "ToBeDeletedByClusterAutoscaler", Effect: corev1.TaintEffectNoSchedule}}
	for name, c := range map[string]struct {
		world          World
		healthz, livez int
	}{
		"a node":                          {worldOf(nodeIn("a")), http.StatusOK, http.StatusOK},
		"one that is being deleted":       {worldOf(leaving), http.StatusServiceUnavailable, http.StatusOK},
		"one that is about to be deleted": {worldOf(doomed), http.StatusServiceUnavailable, http.StatusOK},
		"none":                            {worldOf(), http.StatusServiceUnavailable, http.StatusOK},
	} {
		handler := newProxy(c.world.Options, &cluster{World: c.world}, nft.NewFor("test", nfttest.New(family, "test")), &flowTable{}).Healthz()
		for path, want := range map[string]int{"/healthz": c.healthz, "/livez": c.livez} {
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
			if answer.Code != want || strings.Contains(answer.Body.String(), "nodeEligible") != (path == "/healthz") {
				t.Errorf("%s: %s answers %d: %s", name, path, answer.Code, answer.Body)
			}
		}
	}
}
