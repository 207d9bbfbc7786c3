package revisions_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	oappsv1 "github.com/orrery-dev/orrery/apis/apps/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/controllers/internal/revisions"
	"github.com/orrery-dev/orrery/framework/plan"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var set = gen.StatefulSet("web", 1)

// of is a revision of the StatefulSet with an image, which is its name too.
func of(image string, number int64, changes ...func(*oappsv1.ControllerRevision)) *oappsv1.ControllerRevision {
	template := set.Spec.Template.DeepCopy()
	template.Spec.Containers[0].Image = image
	revision := revisions.New(set, template, revisions.HashLabel, "hash")
	revision.Name, revision.UID, revision.Revision = image, "1", number
	revision.CreationTimestamp = gen.Ago(time.Hour)
	revision.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "StatefulSet", Name: "web", UID: set.UID, Controller: new(true)}}
	for _, change := range changes {
		change(revision)
	}
	return revision
}

func younger(r *oappsv1.ControllerRevision) { r.CreationTimestamp = gen.Ago(time.Minute) }

// foreign is somebody else's, which happens to hold the same.
func foreign(r *oappsv1.ControllerRevision) { r.OwnerReferences[0].UID = "other" }

func historyOf(all ...*oappsv1.ControllerRevision) revisions.History { return revisions.HistoryOf(all) }

func TestHistoryIsInOrder(t *testing.T) {
	var got []string
	for _, revision := range historyOf(of("c", 3), of("b", 2, younger), of("a", 2), of("d", 10)) {
		got = append(got, revision.Name)
	}
	if diff := cmp.Diff([]string{"a", "b", "c", "d"}, got); diff != "" {
		t.Errorf("the order differs (-want +got):\n%s", diff)
	}
	if got := historyOf(of("c", 3), of("b", 2)).Next(); got != 4 {
		t.Errorf("the next number is %d, want 4", got)
	}
	if got := historyOf().Next(); got != 1 {
		t.Errorf("the first number is %d, want 1", got)
	}
}

func TestSettle(t *testing.T) {
	for _, tt := range []struct {
		name     string
		history  revisions.History
		namesake *oappsv1.ControllerRevision
		plan     string
		newest   int64 // its number; 0: there is none
		collided bool
	}{
		{name: "the first revision is created", plan: "create ControllerRevision default/b: the template has no revision yet: it is revision 1", newest: 1},
		{name: "a new template is created with the next number", history: historyOf(of("a", 4)),
			plan: "create ControllerRevision default/b: the template has no revision yet: it is revision 5", newest: 5},
		{name: "the newest stays", history: historyOf(of("a", 1), of("b", 2)), plan: "nothing to do", newest: 2},
		{name: "an old one gets the next number", history: historyOf(of("b", 1), of("a", 2)),
			plan: `patch ControllerRevision default/b {"revision":3}: the template of revision 1 is back, as revision 3`, newest: 3},
		{name: "of two that are alike the newer stays", history: historyOf(of("b", 1), of("b", 2)), plan: "nothing to do", newest: 2},
		{name: "one that came into sight since is it", namesake: of("b", 1), plan: "nothing to do", newest: 1},
		{name: "the name of another template is a collision", namesake: of("b", 1, func(r *oappsv1.ControllerRevision) { r.Data = of("a", 1).Data }),
			plan: "nothing to do", collided: true},
		{name: "the name of another owner is a collision", namesake: of("b", 1, foreign), plan: "nothing to do", collided: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := plan.New()
			newest, collided := tt.history.Settle(p, set, of("b", 0), tt.namesake)
			if got := p.String(); got != tt.plan {
				t.Errorf("the plan is %s, want %s", got, tt.plan)
			}
			number := int64(0)
			if newest != nil {
				number = newest.Revision
			}
			if number != tt.newest || collided != tt.collided {
				t.Errorf("the newest is %d and collided %t, want %d and %t", number, collided, tt.newest, tt.collided)
			}
		})
	}
}

func TestTruncate(t *testing.T) {
	inUse := func(r *oappsv1.ControllerRevision) bool { return r.Name == "a" }
	all := historyOf(of("a", 1), of("b", 2), of("c", 3), of("d", 4))
	for _, tt := range []struct {
		name  string
		limit int32
		want  string
	}{
		{"keeps what is in use, and as many others as may be", 1,
			"delete 2 ControllerRevisions (default/b, default/c): 3 revisions are not in use, and 1 are kept"},
		{"keeps all that may be", 3, "nothing to do"},
		{"keeps only what is in use", 0, "delete 3 ControllerRevisions (default/b, default/c, default/d): 3 revisions are not in use, and 0 are kept"},
		{"keeps all below zero", -1, "nothing to do"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := plan.New()
			all.Truncate(p, tt.limit, inUse)
			if got := p.String(); got != tt.want {
				t.Errorf("the plan is %s, want %s", got, tt.want)
			}
		})
	}
}

func TestARevisionIsTheSameHoweverItIsWritten(t *testing.T) {
	for _, tt := range []struct{ name, as, written string }{
		{"a server of custom resources wrote it", `{"spec"`, ` {"spec"`},
		{"a Kubernetes before 1.34 wrote it", `"metadata":{`, `"metadata":{"creationTimestamp":null,`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rewritten := of("a", 1)
			rewritten.Data.Raw = bytes.Replace(rewritten.Data.Raw, []byte(tt.as), []byte(tt.written), 1)
			if bytes.Equal(rewritten.Data.Raw, of("a", 1).Data.Raw) {
				t.Fatalf("%s says no %s", rewritten.Data.Raw, tt.as)
			}
			if !revisions.Same(of("a", 2), rewritten) {
				t.Errorf("it is another revision:\n%s\n%s", of("a", 2).Data.Raw, rewritten.Data.Raw)
			}
			if revisions.Same(of("b", 1), rewritten) {
				t.Errorf("another template is taken for that of %s", rewritten.Data.Raw)
			}
		})
	}
}

func TestTemplate(t *testing.T) {
	got, err := revisions.Template(of("web:7", 1))
	if err != nil {
		t.Fatal(err)
	}
	want := set.Spec.Template.DeepCopy()
	want.Spec.Containers[0].Image = "web:7"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the template differs (-want +got):\n%s", diff)
	}
	for _, data := range []string{`{}`, `nonsense`} {
		broken := of("a", 1)
		broken.Data.Raw = []byte(data)
		if got, err := revisions.Template(broken); err == nil {
			t.Errorf("%s holds the template %+v", data, got)
		}
	}
}
