package pvbinder

import (
	"strings"
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	ostoragev1 "github.com/orrery-dev/orrery/apis/storage/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	"github.com/orrery-dev/orrery/framework/plan"
	corev1 "k8s.io/api/core/v1"
)

type (
	ofClaim  = func(*ocorev1.PersistentVolumeClaim)
	ofVolume = func(*ocorev1.PersistentVolume)
)

var (
	claimNote  = gen.Annotated[*ocorev1.PersistentVolumeClaim]
	volumeNote = gen.Annotated[*ocorev1.PersistentVolume]
	selected   = claimNote("volume.kubernetes.io/selected-node", "a")
)

func asks(volume string) ofClaim {
	return func(claim *ocorev1.PersistentVolumeClaim) { claim.Spec.VolumeName = volume }
}

func ofNoClass(claim *ocorev1.PersistentVolumeClaim) { claim.Spec.StorageClassName = nil }

func size(of string) ofVolume {
	return func(volume *ocorev1.PersistentVolume) {
		volume.Spec.Capacity = gen.Storage(of)
	}
}

func allows(modes ...corev1.PersistentVolumeAccessMode) ofVolume {
	return func(volume *ocorev1.PersistentVolume) { volume.Spec.AccessModes = modes }
}

func block(volume *ocorev1.PersistentVolume) {
	mode := corev1.PersistentVolumeBlock
	volume.Spec.VolumeMode = &mode
}

const (
	claimedBy     = `patch PersistentVolume disk {"metadata":{"annotations":{"pv.kubernetes.io/bound-by-controller":"yes"}},"spec":{"claimRef":{"apiVersion":"v1","kind":"PersistentVolumeClaim","name":"data","namespace":"default","uid":"data"}}}: `
	volumeIsBound = `status PersistentVolume disk {"status":{"lastPhaseTransitionTime":"2030-01-02T03:04:05Z","phase":"Bound"}}`
	names         = `patch PersistentVolumeClaim default/data {"metadata":{"annotations":{"pv.kubernetes.io/bind-completed":"yes","pv.kubernetes.io/bound-by-controller":"yes"}},"spec":{"volumeName":"disk"}}: `
	claimIsBound  = `status PersistentVolumeClaim default/data {"status":{"accessModes":["ReadWriteOnce"],"capacity":{"storage":"1Gi"},"phase":"Bound"}}`
)

func lines(of ...string) string { return strings.Join(of, "\n") }

func TestPlanOfAClaimThatAsksForNoVolumeByName(t *testing.T) {
	const best = "it is the best for the claim"
	waiting, provisioned := gen.StorageClass("fast", "example.com/disks", gen.WaitsForConsumer), gen.StorageClass("fast", "example.com/disks")
	const handed = `patch PersistentVolumeClaim default/data {"metadata":{"annotations":{"volume.beta.kubernetes.io/storage-provisioner":"example.com/disks","volume.kubernetes.io/storage-provisioner":"example.com/disks"}}}: class fast is provisioned by example.com/disks`
	const external = "event Normal ExternalProvisioning for PersistentVolumeClaim default/data: Waiting for a volume to be created either by the external provisioner 'example.com/disks' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered."
	for _, tt := range []struct {
		name  string
		claim []ofClaim
		w     world
		want  string
	}{
		{"it and a free volume are bound to each other, the volume first", nil, world{candidates: volumesNamed("disk")},
			lines(claimedBy+best, volumeIsBound, names+best, claimIsBound)},
		{"a volume that names it by its UID is bound without any more words", nil, world{candidates: all(gen.PersistentVolume("disk", gen.TakenBy("data")))},
			lines(names+best, claimIsBound)},
		{"a volume that is reserved for it by name gets its UID, and was not bound by a controller", nil,
			world{candidates: all(gen.PersistentVolume("disk", gen.PreBound("data", "")))},
			lines(`patch PersistentVolume disk {"spec":{"claimRef":{"uid":"data"}}}: `+best, volumeIsBound, names+best, claimIsBound)},
		{"a volume that was bound to a claim of its name before is not its own", nil,
			world{candidates: all(gen.PersistentVolume("disk", gen.PreBound("data", "old")))},
			"nothing to do\nevent Normal FailedBinding for PersistentVolumeClaim default/data: no persistent volumes available for this claim and no storage class is set"},
		{"without volume and class it says that there is none", nil, world{},
			"nothing to do\nevent Normal FailedBinding for PersistentVolumeClaim default/data: no persistent volumes available for this claim and no storage class is set"},
		{"without volume and class it gets the default class", []ofClaim{ofNoClass}, world{byDefault: gen.StorageClass("fast", "p", gen.DefaultClass)},
			`patch PersistentVolumeClaim default/data {"spec":{"storageClassName":"fast"}}: it is of no class, and this is the default`},
		{"it does not where there is a volume", []ofClaim{ofNoClass}, world{candidates: volumesNamed("disk"), byDefault: gen.StorageClass("fast", "p", gen.DefaultClass)},
			lines(claimedBy+best, volumeIsBound, names+best, claimIsBound)},
		{"of a class that waits it gets no free volume", []ofClaim{gen.ClaimOfClass("fast")},
			world{class: waiting, candidates: all(gen.PersistentVolume("disk", gen.VolumeOfClass("fast")))},
			"nothing to do\nevent Normal WaitForFirstConsumer for PersistentVolumeClaim default/data: waiting for first consumer to be created before binding"},
		{"but what the scheduler chose", []ofClaim{gen.ClaimOfClass("fast")},
			world{class: waiting, candidates: all(gen.PersistentVolume("disk", gen.VolumeOfClass("fast"), gen.TakenBy("data")))},
			lines(names+best, claimIsBound)},
		{"it says for which pod it waits", []ofClaim{gen.ClaimOfClass("fast")}, world{class: waiting, waiting: []string{"web"}},
			"nothing to do\nevent Normal WaitForPodScheduled for PersistentVolumeClaim default/data: waiting for pod web to be scheduled"},
		{"and for which pods", []ofClaim{gen.ClaimOfClass("fast")}, world{class: waiting, waiting: []string{"web", "db"}},
			"nothing to do\nevent Normal WaitForPodScheduled for PersistentVolumeClaim default/data: waiting for pods web,db to be scheduled"},
		{"of a class that waits it is provisioned once a node is selected", []ofClaim{gen.ClaimOfClass("fast"), selected}, world{class: waiting}, lines(handed, external)},
		{"of a class that does not wait it is provisioned", []ofClaim{gen.ClaimOfClass("fast")}, world{class: provisioned}, lines(handed, external)},
		{"that it is handed to a provisioner is said once", []ofClaim{gen.ClaimOfClass("fast"), claimNote("volume.kubernetes.io/storage-provisioner", "example.com/disks")},
			world{class: provisioned}, lines("nothing to do", external)},
		{"a class that does not exist provisions nothing", []ofClaim{gen.ClaimOfClass("fast")}, world{},
			`nothing to do` + "\n" + `event Warning ProvisioningFailed for PersistentVolumeClaim default/data: storageclass.storage.k8s.io "fast" not found`},
		{"a claim that lost its binding is pending again", []ofClaim{gen.BoundTo(""), unbound}, world{},
			`status PersistentVolumeClaim default/data {"status":{"accessModes":null,"capacity":null,"phase":"Pending"}}` +
				"\nevent Normal FailedBinding for PersistentVolumeClaim default/data: no persistent volumes available for this claim and no storage class is set"},
	} {
		t.Run(tt.name, func(t *testing.T) { expect(t, gen.PersistentVolumeClaim("data", tt.claim...), tt.w, tt.want) })
	}
}

func unbound(claim *ocorev1.PersistentVolumeClaim) { claim.Annotations = nil }

func TestPlanOfAClaimThatAsksForAVolume(t *testing.T) {
	const mismatch = "nothing to do\n" + `event Warning VolumeMismatch for PersistentVolumeClaim default/data: Cannot bind to requested volume "disk": `
	for _, tt := range []struct {
		name   string
		volume *ocorev1.PersistentVolume
		want   string
	}{
		{"it waits for one that is not there", nil, "nothing to do: there is no volume disk"},
		{"a free one becomes its own", gen.PersistentVolume("disk"), lines(
			claimedBy+"the claim asks for it by name", volumeIsBound,
			`patch PersistentVolumeClaim default/data {"metadata":{"annotations":{"pv.kubernetes.io/bind-completed":"yes"}}}: the claim asks for it by name`, claimIsBound)},
		{"one that names it becomes its own, whatever it is", gen.PersistentVolume("disk", gen.TakenBy("data"), gen.VolumeOfClass("other"), size("1Mi")), lines(
			`patch PersistentVolumeClaim default/data {"metadata":{"annotations":{"pv.kubernetes.io/bind-completed":"yes"}}}: the two name each other`,
			strings.Replace(claimIsBound, "1Gi", "1Mi", 1))},
		{"another claim's is not for it", gen.PersistentVolume("disk", gen.TakenBy("other")),
			"nothing to do\n" + `event Warning FailedBinding for PersistentVolumeClaim default/data: volume "disk" already bound to a different claim.`},
		{"one that is being deleted does not fit", gen.PersistentVolume("disk", gen.Deleted), mismatch + `the volume is marked for deletion "disk"`},
		{"a smaller one does not fit", gen.PersistentVolume("disk", size("1Mi")), mismatch + "requested PV is too small"},
		{"one of another class does not fit", gen.PersistentVolume("disk", gen.VolumeOfClass("other")), mismatch + "storageClassName does not match"},
		{"one of another attributes class does not fit", gen.PersistentVolume("disk", func(v *ocorev1.PersistentVolume) {
			gold := "gold"
			v.Spec.VolumeAttributesClassName = &gold
		}), mismatch + "volumeAttributesClassName does not match"},
		{"a block device does not fit", gen.PersistentVolume("disk", block), mismatch + "incompatible volumeMode"},
		{"one that may only be read does not fit", gen.PersistentVolume("disk", allows(corev1.ReadOnlyMany)), mismatch + "incompatible accessMode"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			expect(t, gen.PersistentVolumeClaim("data", asks("disk")), world{volume: tt.volume}, tt.want)
		})
	}
}

func TestPlanOfABoundClaim(t *testing.T) {
	const lost = `status PersistentVolumeClaim default/data {"status":{"accessModes":null,"capacity":null,"phase":"Lost"}}` + "\n"
	bound := []ofClaim{gen.BoundTo("disk")}
	for _, tt := range []struct {
		name   string
		claim  []ofClaim
		volume *ocorev1.PersistentVolume
		want   string
	}{
		{"nothing is left to do", bound, gen.PersistentVolume("disk", gen.TakenBy("data")), "nothing to do"},
		{"a volume that names no claim any more is bound again", bound, gen.PersistentVolume("disk"),
			lines(claimedBy+"the claim is bound to it", volumeIsBound)},
		{"what a crash left undone is done", []ofClaim{gen.BoundTo("disk"), func(c *ocorev1.PersistentVolumeClaim) {
			c.Status = corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimPending}
		}},
			gen.PersistentVolume("disk", gen.TakenBy("data")), claimIsBound},
		{"a size that a resizer tells stays", bound, gen.PersistentVolume("disk", gen.TakenBy("data"), size("2Gi")), "nothing to do"},
		{"it is lost without its volume", bound, nil,
			lost + "event Warning ClaimLost for PersistentVolumeClaim default/data: Bound claim has lost its PersistentVolume. Data on the volume is lost!"},
		{"it is lost without the name of its volume", []ofClaim{gen.BoundTo("")}, nil,
			lost + "event Warning ClaimLost for PersistentVolumeClaim default/data: Bound claim has lost reference to PersistentVolume. Data on the volume is lost!"},
		{"it is lost when its volume is another's", bound, gen.PersistentVolume("disk", gen.TakenBy("other")),
			lost + "event Warning ClaimMisbound for PersistentVolumeClaim default/data: Two claims are bound to the same volume, this one is bound incorrectly"},
		{"that is said once", []ofClaim{gen.BoundTo("disk"), func(c *ocorev1.PersistentVolumeClaim) { c.Status.Phase = corev1.ClaimLost }}, nil, "nothing to do"},
		{"it is found again with its volume", []ofClaim{gen.BoundTo("disk"), func(c *ocorev1.PersistentVolumeClaim) {
			c.Status = corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimLost}
		}}, gen.PersistentVolume("disk", gen.TakenBy("data")), claimIsBound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			expect(t, gen.PersistentVolumeClaim("data", tt.claim...), world{volume: tt.volume}, tt.want)
		})
	}
}

func TestProvisioners(t *testing.T) {
	for provisioner, want := range map[string]string{
		"example.com/disks":            "",
		"kubernetes.io/aws-ebs":        "",
		"kubernetes.io/no-provisioner": "no volume plugin matched name: kubernetes.io/no-provisioner",
		"kubernetes.io/nfs":            "no provisionable volume plugin matched",
		"kubernetes.io/host-path":      `Failed to create provisioner: provisioning in volume plugin "kubernetes.io/host-path" is disabled`,
	} {
		if got := notProvided(provisioner); got != want {
			t.Errorf("of %s it is said %q, want %q", provisioner, got, want)
		}
	}
}

func TestAClaimOfAnOldPluginIsHandedToItsDriver(t *testing.T) {
	claim := gen.PersistentVolumeClaim("data", gen.ClaimOfClass("ebs"))
	w := world{class: gen.StorageClass("ebs", "kubernetes.io/aws-ebs")}
	got := (Controller{}).Plan(claim, w, gen.Now).Steps()[0].(*plan.Patch).Wanted().GetAnnotations()
	if got["volume.kubernetes.io/storage-provisioner"] != "ebs.csi.aws.com" || got["volume.beta.kubernetes.io/storage-provisioner"] != "ebs.csi.aws.com" {
		t.Errorf("the annotations are %v", got)
	}
	before := gen.PersistentVolumeClaim("data", gen.BoundTo("disk"), claimNote("volume.beta.kubernetes.io/storage-provisioner", "kubernetes.io/aws-ebs"))
	expect(t, before, world{volume: gen.PersistentVolume("disk", gen.TakenBy("data"))},
		`patch PersistentVolumeClaim default/data {"metadata":{"annotations":{"pv.kubernetes.io/migrated-to":"ebs.csi.aws.com"}}}: so it is with its provisioner, kubernetes.io/aws-ebs`)
}

func TestTheNewestDefaultCounts(t *testing.T) {
	of := func(name string, age time.Duration, changes ...func(*ostoragev1.StorageClass)) ostoragev1.StorageClass {
		class := gen.StorageClass(name, "example.com/disks", changes...)
		class.CreationTimestamp = gen.Ago(age)
		return *class
	}
	classes := []ostoragev1.StorageClass{
		of("old", time.Hour, gen.DefaultClass), of("z", time.Minute, gen.DefaultClass), of("a", time.Minute, gen.DefaultClass), of("newest", time.Second),
	}
	if got := newestDefault(classes); got == nil || got.Name != "a" {
		t.Errorf("the default is %v, want a", got)
	}
	if got := newestDefault(classes[3:]); got != nil {
		t.Errorf("the default is %s, want none", got.Name)
	}
}

func expect(t *testing.T, claim *ocorev1.PersistentVolumeClaim, w world, want string) {
	t.Helper()
	p := (Controller{}).Plan(claim, w, gen.Now)
	told := []string{p.String()}
	for _, step := range p.All() {
		if step.Verb() == "event" && !strings.Contains(told[0], step.String()) {
			told = append(told, step.String()+": "+step.Why())
		}
	}
	if got := strings.Join(told, "\n"); got != want {
		t.Errorf("the plan is\n%s\nwant\n%s", got, want)
	}
}

func all(volumes ...*ocorev1.PersistentVolume) []*ocorev1.PersistentVolume { return volumes }

func volumesNamed(names ...string) []*ocorev1.PersistentVolume {
	var out []*ocorev1.PersistentVolume
	for _, name := range names {
		out = append(out, gen.PersistentVolume(name))
	}
	return out
}
