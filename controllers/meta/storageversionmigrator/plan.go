package storageversionmigrator

import (
	"fmt"
	"time"

	"github.com/orrery-dev/orrery/controllers/internal/kinds"
	"github.com/orrery-dev/orrery/framework/plan"
	storagemigrationv1 "k8s.io/api/storagemigration/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// patience is how long after a migration was made its resource may still come into being.
	patience = time.Minute
	// unseen is when to look for it again.
	unseen = 20 * time.Second
)

// verbs are what the server has to be able to do with a resource.
var verbs = []string{"update", "patch", "list"}

// Plan ends what is over, or else goes on with what runs, or else begins with what has waited longest.
func (Controller) Plan(_ client.ObjectKey, w world, now time.Time) *plan.Plan {
	p := plan.New()
	switch {
	case len(w.over) > 0:
		w.finish(p, w.over[0], now)
	case len(w.running) > 0:
		for _, m := range w.running {
			w.goOn(p, m, now)
		}
	case len(w.waiting) > 0:
		w.begin(p, w.waiting[0], now)
	}
	return p
}

// begin marks the definition, if there is one, and then lets the migration run.
func (w world) begin(p *plan.Plan, m *migration, now time.Time) {
	if w.definition != nil {
		p.Status(w.definition, migrating(w.definition, m, now))
	}
	reportAfter(p, m, with(m, now, running(message(0, 0, nil))))
}

// finish takes the mark off the definition, and then lets the migration run no more.
func (w world) finish(p *plan.Plan, m *migration, now time.Time) {
	if w.definition != nil {
		p.Status(w.definition, migrated(w.definition, is(m, storagemigrationv1.MigrationSucceeded), now))
	}
	reportAfter(p, m, with(m, now, completed(m)))
}

// goOn says how far the resource is, and then has its objects written anew.
func (w world) goOn(p *plan.Plan, m *migration, now time.Time) {
	switch missing := m.CreationTimestamp.Add(patience).Sub(now); {
	case w.kind == nil && missing > 0:
		p.After(min(unseen, missing), fmt.Sprintf("the API server has no resource %s yet", w.resource))
	case w.kind == nil:
		p.Status(m, with(m, now, failed("resource does not exist in discovery")))
	case m.Status.ResourceVersion != "":
		p.Do(&migrate{migration: m, kind: w.kind})
	case !migratable(w.kind):
		p.Status(m, with(m, now, failed(fmt.Sprintf("resource %q does not support discovery operations: %v", w.kind.GroupVersionResource(), verbs))))
	case !valid(w.latest):
		p.Status(m, with(m, now, failed(fmt.Sprintf("latest resourceVersion for %s is not valid: %q", w.kind.GroupVersionResource(), w.latest))))
	default:
		told := m.DeepCopy()
		told.Status.ResourceVersion = w.latest
		p.Status(m, told)
	}
}

// migratable reports that the server can do with a kind what a migration needs.
func migratable(kind *kinds.Kind) bool { return kind.Verbs.HasAll(verbs...) }

// valid reports that versions of a resource can be compared.
func valid(version string) bool {
	_, err := resourceversion.CompareResourceVersion(version, version)
	return err == nil
}

// reportAfter plans a status that is written once the steps before it have succeeded.
func reportAfter(p *plan.Plan, m, wanted *migration) {
	p.StatusAfter(m, func(failed error) client.Object {
		if failed != nil {
			return m
		}
		return wanted
	})
}
