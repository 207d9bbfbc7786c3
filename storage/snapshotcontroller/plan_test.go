package snapshotcontroller

import (
	"strings"
	"testing"
	"time"

	snapshotv1 "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/framework/plan"
	"github.com/orrery-dev/orrery/storage/driver"
	"github.com/orrery-dev/orrery/storage/simulated"
	"github.com/orrery-dev/orrery/storage/snapshotkinds"
)

const driverName = "disks.example.com"

var (
	here     = driver.Node{Name: "one", In: map[string]string{"disks.example.com/node": "one"}}
	affinity = driver.Affinity(here.In)
	noon     = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
)

// The changes of a snapshot.
var (
	going  = func(s *snapshotv1.VolumeSnapshot) { s.DeletionTimestamp = &metav1.Time{Time: noon} }
	source = func(s *snapshotv1.VolumeSnapshot) {
		s.Finalizers = append(s.Finalizers, snapshotkinds.SourceFinalizer)
	}
	bound = func(s *snapshotv1.VolumeSnapshot) {
		s.Finalizers = append(s.Finalizers, snapshotkinds.BoundFinalizer)
		s.Status = &snapshotv1.VolumeSnapshotStatus{BoundVolumeSnapshotContentName: new("snapcontent-s"), ReadyToUse: new(false)}
	}
	isReady = func(s *snapshotv1.VolumeSnapshot) {
		bound(s)
		s.Status.ReadyToUse, s.Status.CreationTime = new(true), &metav1.Time{Time: noon}
		s.Status.RestoreSize = resource.NewQuantity(1<<30, resource.BinarySI)
	}
)

// content is that of snapshot s, as it is made, and then changed.
func content(changes ...func(*snapshotv1.VolumeSnapshotContent)) *snapshotv1.VolumeSnapshotContent {
	c := &snapshotv1.VolumeSnapshotContent{
		ObjectMeta: metav1.ObjectMeta{Name: "snapcontent-s", Labels: map[string]string{snapshotkinds.ManagedBy: "one"}},
		Spec: snapshotv1.VolumeSnapshotContentSpec{
			Driver: driverName, DeletionPolicy: snapshotv1.VolumeSnapshotContentDelete,
			Source:            snapshotv1.VolumeSnapshotContentSource{VolumeHandle: new("h")},
			VolumeSnapshotRef: corev1.ObjectReference{Namespace: "default", Name: "s", UID: "s"},
		},
	}
	for _, change := range changes {
		change(c)
	}
	return c
}

var (
	elsewhere = func(c *snapshotv1.VolumeSnapshotContent) { c.Labels[snapshotkinds.ManagedBy] = "two" }
	others    = func(c *snapshotv1.VolumeSnapshotContent) { c.Spec.Driver = "other.example.com" }
	retained  = func(c *snapshotv1.VolumeSnapshotContent) {
		c.Spec.DeletionPolicy = snapshotv1.VolumeSnapshotContentRetain
	}
	leaving = func(c *snapshotv1.VolumeSnapshotContent) {
		c.DeletionTimestamp = &metav1.Time{Time: noon}
		c.Annotations = map[string]string{snapshotkinds.BeingDeleted: "yes"}
	}
	another = func(c *snapshotv1.VolumeSnapshotContent) { c.Spec.VolumeSnapshotRef.UID = "another" }
	taken   = func(c *snapshotv1.VolumeSnapshotContent) {
		c.Status = &snapshotv1.VolumeSnapshotContentStatus{
			SnapshotHandle: new("x"), ReadyToUse: new(true), CreationTime: new(noon.UnixNano()), RestoreSize: new(int64(1 << 30)),
		}
	}
	byPeople = func(c *snapshotv1.VolumeSnapshotContent) {
		c.Spec.Source = snapshotv1.VolumeSnapshotContentSource{SnapshotHandle: new("x")}
		c.Spec.VolumeSnapshotRef.UID = ""
	}
)

func TestPlan(t *testing.T) {
	const (
		keeps    = `patch VolumeSnapshot default/s {"metadata":{"finalizers":["snapshot.storage.kubernetes.io/volumesnapshot-as-source-protection"]}}: it is to have a class, and to stay while it has a content that goes with it, or claims are made of it` + "\n"
		holds    = "add finalizer snapshot.storage.kubernetes.io/pvc-as-source-protection to PersistentVolumeClaim default/data: snapshot s is being taken of it"
		releases = "remove finalizer snapshot.storage.kubernetes.io/pvc-as-source-protection from PersistentVolumeClaim default/data: no snapshot is being taken of it any more"
		creates  = "\ncreate VolumeSnapshotContent snapcontent-s: a snapshot of claim data is asked for"
		marks    = `patch VolumeSnapshotContent snapcontent-s {"metadata":{"annotations":{"snapshot.storage.kubernetes.io/volumesnapshot-being-deleted":"yes"}}}: its snapshot is being deleted` + "\n"
		unsource = "remove finalizer snapshot.storage.kubernetes.io/volumesnapshot-as-source-protection from VolumeSnapshot default/s: no claim is being made of it"
		notOurs  = "nothing to do: it is not a snapshot of disks.example.com at one"
	)
	deletes := class("deletes", snapshotv1.VolumeSnapshotContentDelete)
	held := claim("data", func(c *ocorev1.PersistentVolumeClaim) { c.Finalizers = []string{snapshotkinds.ClaimFinalizer} })
	alien := class("alien", snapshotv1.VolumeSnapshotContentDelete)
	alien.Driver = "other.example.com"
	far := volume("data", "h")
	far.Spec.NodeAffinity = driver.Affinity(map[string]string{"disks.example.com/node": "two"})
	ready := func(w world) world { w.claim, w.volume = claim("data"), volume("data", "h"); return w }
	failing := func(message string) string {
		return `status VolumeSnapshot default/s {"status":{"error":{"message":"` + message + `","time":"2026-11-30T12:00:00Z"},"readyToUse":false}}` + "\n"
	}
	for _, tt := range []struct {
		name    string
		changes []change
		w       world
		want    string
	}{
		{"a snapshot of a claim of the driver keeps the claim, and gets a content", []change{ofClassNamed("deletes"), source}, ready(world{class: deletes}), holds + creates},
		{"is kept while claims are made of it", []change{ofClassNamed("deletes")}, ready(world{class: deletes}), keeps + holds + creates},
		{"gets the default class first", []change{source}, ready(world{defaults: []string{"deletes"}}),
			`patch VolumeSnapshot default/s {"spec":{"volumeSnapshotClassName":"deletes"}}: it is to have a class, and to stay while it has a content that goes with it, or claims are made of it` + "\n" + holds},
		{"one of a volume elsewhere is left alone", []change{ofClassNamed("deletes")}, world{class: deletes, claim: claim("data"), volume: far}, notOurs},
		{"so is one whose content is elsewhere", []change{ofClassNamed("deletes")}, ready(world{class: deletes, content: content(elsewhere)}), notOurs},
		{"or another driver's", []change{ofClassNamed("deletes")}, ready(world{class: deletes, content: content(others)}), notOurs},
		{"of one of which nothing tells whose it is, whoever comes first says so", nil, world{},
			`status VolumeSnapshot default/s {"status":{"error":{"message":"Failed to set default snapshot class with error failed to retrieve PVC data from the lister: \"persistentvolumeclaim \\\"data\\\" not found\"","time":"2026-11-30T12:00:00Z"}}}` + "\n" +
				`event Warning SetDefaultSnapshotClassFailed for VolumeSnapshot default/s: Failed to set default snapshot class with error failed to retrieve PVC data from the lister: "persistentvolumeclaim \"data\" not found"`},
		{"one with a content says that it is bound", []change{ofClassNamed("deletes"), source}, ready(world{class: deletes, content: content()}),
			holds + "\n" + `status VolumeSnapshot default/s {"status":{"boundVolumeSnapshotContentName":"snapcontent-s","readyToUse":false}}`},
		{"one whose content is ready says so", []change{ofClassNamed("deletes"), source, bound}, world{class: deletes, claim: held, volume: volume("data", "h"), content: content(taken)},
			`status VolumeSnapshot default/s {"status":{"creationTime":"2026-11-30T12:00:00Z","readyToUse":true,"restoreSize":"1Gi"}}` + "\n" +
				"event Normal SnapshotCreated for VolumeSnapshot default/s: Snapshot default/s was successfully created by the CSI driver.\n" +
				"event Normal SnapshotReady for VolumeSnapshot default/s: Snapshot default/s is ready to use."},
		{"one that is ready lets its claim go", []change{ofClassNamed("deletes"), source, isReady}, world{claim: held, volume: volume("data", "h"), content: content(taken)}, releases},
		{"unless others are being taken of it", []change{ofClassNamed("deletes"), source, isReady}, world{claim: held, volume: volume("data", "h"), content: content(taken), others: true}, "nothing to do"},
		{"a content that people made is told which snapshot is its", []change{ofContentNamed("snapcontent-s"), ofClassNamed("deletes"), source}, world{class: deletes, content: content(byPeople)},
			`patch VolumeSnapshotContent snapcontent-s {"spec":{"volumeSnapshotClassName":"deletes","volumeSnapshotRef":{"uid":"s"}}}: snapshot default/s and the content name each other`},
		{"a snapshot without its class says so", []change{ofClassNamed("gone"), source}, ready(world{}),
			`status VolumeSnapshot default/s {"status":{"error":{"message":"Failed to get snapshot class with error volumesnapshotclass.snapshot.storage.k8s.io \"gone\" not found","time":"2026-11-30T12:00:00Z"}}}` + "\n" +
				`event Warning GetSnapshotClassFailed for VolumeSnapshot default/s: Failed to get snapshot class with error volumesnapshotclass.snapshot.storage.k8s.io "gone" not found`},
		{"one that may have several classes says so", []change{source}, ready(world{defaults: []string{"a", "b"}}),
			`status VolumeSnapshot default/s {"status":{"error":{"message":"Failed to set default snapshot class with error 2 default snapshot classes were found","time":"2026-11-30T12:00:00Z"}}}` + "\n" +
				"event Warning SetDefaultSnapshotClassFailed for VolumeSnapshot default/s: Failed to set default snapshot class with error 2 default snapshot classes were found"},
		{"one whose content is lost says so, and is not taken anew", []change{ofClassNamed("deletes"), source, isReady}, ready(world{class: deletes}),
			failing("VolumeSnapshotContent is missing") + "event Warning SnapshotContentMissing for VolumeSnapshot default/s: VolumeSnapshotContent is missing"},
		{"one whose content is another's says so", []change{ofClassNamed("deletes"), source}, ready(world{class: deletes, content: content(another)}),
			failing("VolumeSnapshotContent [snapcontent-s] is bound to a different snapshot") +
				"event Warning SnapshotContentMisbound for VolumeSnapshot default/s: VolumeSnapshotContent [snapcontent-s] is bound to a different snapshot"},
		{"one of a claim that is gone says so", []change{ofClassNamed("deletes"), source}, world{class: deletes},
			failing("Failed to create snapshot content with error snapshot controller failed to update s on API server: cannot get claim from snapshot") +
				"event Warning SnapshotContentCreationFailed for VolumeSnapshot default/s: Failed to create snapshot content with error snapshot controller failed to update s on API server: cannot get claim from snapshot"},
		{"one whose class is another driver's says so", []change{ofClassNamed("alien"), source}, ready(world{class: alien}),
			failing(`Failed to create snapshot content with error failed to get input parameters to create snapshot s: \"class alien is of driver other.example.com, and volume v-data of driver disks.example.com\"`) +
				`event Warning SnapshotContentCreationFailed for VolumeSnapshot default/s: Failed to create snapshot content with error failed to get input parameters to create snapshot s: "class alien is of driver other.example.com, and volume v-data of driver disks.example.com"`},

		{"one that is deleted has its content deleted, and goes after it", []change{source, isReady, going}, ready(world{content: content(taken)}),
			marks + "delete VolumeSnapshotContent snapcontent-s: its snapshot is being deleted, and its deletion policy is Delete\n" + unsource},
		{"which is done once", []change{isReady, going}, ready(world{content: content(taken, leaving)}), "nothing to do"},
		{"one whose content stays goes at once", []change{source, isReady, going}, ready(world{content: content(taken, retained)}),
			marks + `patch VolumeSnapshot default/s {"metadata":{"finalizers":null}}: the deletion policy of its content is Retain`},
		{"one whose content is gone goes", []change{isReady, going}, ready(world{}), `patch VolumeSnapshot default/s {"metadata":{"finalizers":null}}: it has no content`},
		{"so does one of which nothing tells any more whose it was", []change{isReady, going}, world{}, `patch VolumeSnapshot default/s {"metadata":{"finalizers":null}}: it has no content`},
		{"one that a claim is being made of stays", []change{source, isReady, going}, ready(world{content: content(taken), restored: "copy"}),
			"nothing to do: claim copy is being made of it\nevent Warning SnapshotDeletePending for VolumeSnapshot default/s: Snapshot is being used to restore a PVC"},
		{"another's content is not deleted", []change{source, isReady, going}, ready(world{content: content(taken, another)}),
			`patch VolumeSnapshot default/s {"metadata":{"finalizers":null}}: it has no content`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := snapshot("s", append(tt.changes, known)...)
			if s.Spec.Source.VolumeSnapshotContentName == nil {
				of("data")(s)
			}
			c := Controller{(&simulated.Controller{}).Driver(driverName, here)}
			if got := told(c.Plan(s, tt.w, noon)); got != tt.want {
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
