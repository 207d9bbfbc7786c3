package snapshotter

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/orrery-dev/orrery/framework/plan"
	"github.com/orrery-dev/orrery/storage/driver"
	"github.com/orrery-dev/orrery/storage/simulated"
	"github.com/orrery-dev/orrery/storage/snapshotkinds"
)

const driverName = "disks.example.com"

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

type change = func(*snapshotv1.VolumeSnapshotContent)

// content is one whose snapshot is at this place, and then changed.
func content(changes ...change) *snapshotv1.VolumeSnapshotContent {
	c := &snapshotv1.VolumeSnapshotContent{
		ObjectMeta: metav1.ObjectMeta{
			Name: "c", CreationTimestamp: metav1.Time{Time: noon.Add(-time.Hour)}, Finalizers: []string{snapshotkinds.ContentFinalizer},
			Labels: map[string]string{snapshotkinds.ManagedBy: "one"},
		},
		Spec: snapshotv1.VolumeSnapshotContentSpec{
			Driver: driverName, DeletionPolicy: snapshotv1.VolumeSnapshotContentDelete, VolumeSnapshotClassName: new("fast"),
			Source:            snapshotv1.VolumeSnapshotContentSource{VolumeHandle: new("v")},
			VolumeSnapshotRef: corev1.ObjectReference{Namespace: "default", Name: "s", UID: "uid"},
		},
	}
	for _, change := range changes {
		change(c)
	}
	return c
}

var (
	unlabelled = func(c *snapshotv1.VolumeSnapshotContent) { c.Labels = nil }
	unheld     = func(c *snapshotv1.VolumeSnapshotContent) { c.Finalizers = nil }
	unbound    = func(c *snapshotv1.VolumeSnapshotContent) { c.Spec.VolumeSnapshotRef.UID = "" }
	byPeople   = func(c *snapshotv1.VolumeSnapshotContent) {
		c.Spec.Source = snapshotv1.VolumeSnapshotContentSource{SnapshotHandle: new("x")}
	}
	recent = func(c *snapshotv1.VolumeSnapshotContent) {
		c.CreationTimestamp = metav1.Time{Time: noon.Add(-time.Second)}
	}
	isTakenAndReady = func(c *snapshotv1.VolumeSnapshotContent) {
		c.Status = &snapshotv1.VolumeSnapshotContentStatus{SnapshotHandle: new("x"), ReadyToUse: new(true), CreationTime: new(noon.UnixNano())}
	}
	going = func(c *snapshotv1.VolumeSnapshotContent) { c.DeletionTimestamp = &metav1.Time{Time: noon} }
	noted = func(key string) change {
		return func(c *snapshotv1.VolumeSnapshotContent) { metav1.SetMetaDataAnnotation(&c.ObjectMeta, key, "yes") }
	}
	unwanted = func(c *snapshotv1.VolumeSnapshotContent) { going(c); noted(snapshotkinds.BeingDeleted)(c) }
	retained = func(c *snapshotv1.VolumeSnapshotContent) {
		c.Spec.DeletionPolicy = snapshotv1.VolumeSnapshotContentRetain
	}
)

func TestPlan(t *testing.T) {
	const (
		asks     = `patch VolumeSnapshotContent c {"metadata":{"annotations":{"snapshot.storage.kubernetes.io/volumesnapshot-being-created":"yes"}}}: the driver is asked for it` + "\n"
		takes    = "take snapshot-uid of volume v for VolumeSnapshotContent c: class fast is of disks.example.com\nlook again in 5s: then the driver may have it ready"
		lets     = "remove finalizer snapshot.storage.kubernetes.io/volumesnapshotcontent-bound-protection from VolumeSnapshotContent c: "
		drops    = "have disks.example.com delete the snapshot of VolumeSnapshotContent c: its VolumeSnapshot is deleted, and its deletion policy is Delete\n"
		notFound = `Failed to check and update snapshot content: failed to list snapshot for content c: \"can not find snapshot for snapshotID x\"`
		asBefore = `look again in 5s: then somebody may have made it`
	)
	fast := &snapshotv1.VolumeSnapshotClass{ObjectMeta: metav1.ObjectMeta{Name: "fast"}, Driver: driverName}
	here := world{here: true, class: fast}
	found := world{here: true, class: fast, found: &csi.Snapshot{SnapshotId: "x", SizeBytes: 7, ReadyToUse: true}}
	failing := `status VolumeSnapshotContent c {"status":{"error":{"message":"` + notFound + `","time":"2026-11-30T12:00:00Z"},"readyToUse":false}}` + "\n" +
		"event Warning SnapshotContentCheckandUpdateFailed for VolumeSnapshotContent c: " + strings.ReplaceAll(notFound, `\"`, `"`) + "\n" + asBefore
	for _, tt := range []struct {
		name    string
		changes []change
		w       world
		want    string
	}{
		{"a content of the driver has its snapshot taken, which is noted first", nil, here, asks + takes},
		{"one that is noted already is asked for again", []change{noted(snapshotkinds.BeingCreated)}, here, takes},
		{"one without a label or finalizer gets them", []change{unlabelled, unheld, isTakenAndReady}, here,
			`patch VolumeSnapshotContent c {"metadata":{"finalizers":["snapshot.storage.kubernetes.io/volumesnapshotcontent-bound-protection"],"labels":{"snapshot.storage.kubernetes.io/managed-by":"one"}}}: its snapshot is at one`},
		{"one that is taken is not being created any more", []change{isTakenAndReady, noted(snapshotkinds.BeingCreated)}, here,
			`patch VolumeSnapshotContent c {"metadata":{"annotations":null}}: the driver has taken it`},
		{"one that is ready is left alone", []change{isTakenAndReady}, here, "nothing to do"},
		{"so is one elsewhere", nil, world{class: fast}, "nothing to do: its snapshot is not at one"},
		{"or of another driver", []change{func(c *snapshotv1.VolumeSnapshotContent) { c.Spec.Driver = "other" }}, here, "nothing to do"},
		{"or of a group", []change{noted(snapshotkinds.GroupHandle)}, here, "nothing to do"},
		{"one without its class says so", nil, world{here: true},
			`status VolumeSnapshotContent c {"status":{"error":{"message":"Failed to create snapshot: failed to get input parameters to create snapshot for content c: \"volumesnapshotclass.snapshot.storage.k8s.io \\\"fast\\\" not found\"","time":"2026-11-30T12:00:00Z"},"readyToUse":false}}` + "\n" +
				`event Warning SnapshotCreationFailed for VolumeSnapshotContent c: Failed to create snapshot: failed to get input parameters to create snapshot for content c: "volumesnapshotclass.snapshot.storage.k8s.io \"fast\" not found"`},

		{"one that people made tells what the driver has", []change{byPeople}, found,
			`status VolumeSnapshotContent c {"status":{"creationTime":1796040000000000000,"readyToUse":true,"restoreSize":7,"snapshotHandle":"x"}}`},
		{"one that people made and the driver does not have says so", []change{byPeople}, here, failing},
		{"also where nobody has it", []change{byPeople, unlabelled}, world{class: fast}, failing},
		{"after a while", []change{byPeople, unlabelled, recent}, world{class: fast}, "nothing to do\nlook again in 4s: then nobody has its snapshot"},

		{"one that is deleted with its snapshot has that deleted first", []change{isTakenAndReady, unwanted}, here,
			drops + `status VolumeSnapshotContent c {"status":{"creationTime":null,"readyToUse":null,"snapshotHandle":null}}` + "\n" + lets + "its driver has deleted the snapshot"},
		{"one whose snapshot stays is let go", []change{isTakenAndReady, unwanted, retained}, here, lets + "its deletion policy is Retain, and nothing of the driver's goes with it"},
		{"so is one of which nothing was taken", []change{unwanted}, here, lets + "its deletion policy is Delete, and nothing of the driver's goes with it"},
		{"and one that never had a VolumeSnapshot", []change{byPeople, unbound, going}, here, lets + "its deletion policy is Delete, and nothing of the driver's goes with it"},
		{"one that may be being taken is not, until the driver has answered", []change{unwanted, noted(snapshotkinds.BeingCreated)}, here, takes},
		{"one that people delete alone stays", []change{isTakenAndReady, going}, here, "nothing to do"},
		{"one that others hold is left to them", []change{isTakenAndReady, unwanted, unheld}, here, "nothing to do: it is being deleted, and held by others"},
		{"one that nobody has is let go after a while", []change{byPeople, unlabelled, unwanted}, world{}, "nothing to do\nlook again in 5s: then nobody has its snapshot"},
		{"but not while the driver does not answer", []change{byPeople, unlabelled, unwanted, func(c *snapshotv1.VolumeSnapshotContent) {
			c.DeletionTimestamp = &metav1.Time{Time: noon.Add(-time.Minute)}
		}}, world{missed: errors.New("nobody there")}, "nothing to do\nlook again in 5s: then the driver may be there"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := Controller{(&simulated.Controller{}).Driver(driverName, driver.Node{Name: "one"})}
			if got := told(c.Plan(content(tt.changes...), tt.w, noon)); got != tt.want {
				t.Errorf("the plan is\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// told is a plan with what it says once.
func told(p *plan.Plan) string {
	lines := []string{p.String()}
	for _, step := range p.All() {
		if step.Verb() == "event" && !strings.Contains(lines[0], step.String()) {
			lines = append(lines, step.String()+": "+step.Why())
		}
	}
	return strings.Join(lines, "\n")
}
