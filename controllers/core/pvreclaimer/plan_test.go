package pvreclaimer

import (
	"strings"
	"testing"
	"time"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
	"github.com/orrery-dev/orrery/controllers/internal/gen"
	corev1 "k8s.io/api/core/v1"
)

type change = func(*ocorev1.PersistentVolume)

var note = gen.Annotated[*ocorev1.PersistentVolume]

func policy(policy corev1.PersistentVolumeReclaimPolicy) change {
	return func(volume *ocorev1.PersistentVolume) { volume.Spec.PersistentVolumeReclaimPolicy = policy }
}

func phase(phase corev1.PersistentVolumePhase) change {
	return func(volume *ocorev1.PersistentVolume) { volume.Status.Phase = phase }
}

func by(provisioner string) change { return note("pv.kubernetes.io/provisioned-by", provisioner) }

func from(source corev1.PersistentVolumeSource) change {
	return func(volume *ocorev1.PersistentVolume) { volume.Spec.PersistentVolumeSource = source }
}

func raw(volume *ocorev1.PersistentVolume) {
	mode := corev1.PersistentVolumeBlock
	volume.Spec.VolumeMode = &mode
}

var (
	taken    = gen.TakenBy("data")
	released = phase(corev1.VolumeReleased)
	csi      = from(corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{Driver: "d", VolumeHandle: "h"}})
	nfs      = from(corev1.PersistentVolumeSource{NFS: &corev1.NFSVolumeSource{Server: "s", Path: "/p"}})
	local    = from(corev1.PersistentVolumeSource{Local: &corev1.LocalVolumeSource{Path: "/p"}})
)

const (
	isNow  = `status PersistentVolume disk {"status":{"lastPhaseTransitionTime":"2030-01-02T03:04:05Z","phase":"`
	failed = `status PersistentVolume disk {"status":{"lastPhaseTransitionTime":"2030-01-02T03:04:05Z","message":`
)

func TestPhases(t *testing.T) {
	claim := gen.PersistentVolumeClaim("data")
	for _, tt := range []struct {
		name   string
		volume []change
		claim  *ocorev1.PersistentVolumeClaim
		want   string
	}{
		{"a new volume is available", []change{phase(corev1.VolumePending)}, nil, isNow + `Available"}}`},
		{"so is one that is reserved for a claim", []change{phase(corev1.VolumePending), gen.PreBound("data", "")}, nil, isNow + `Available"}}`},
		{"so is one that people let go", []change{released}, nil, isNow + `Available"}}`},
		{"one whose claim does not name it is the binder's", []change{taken}, claim, "nothing to do: its claim does not name it yet"},
		{"one whose claim is of another mode never will be", []change{taken, raw}, claim, "nothing to do: its claim is of another volume mode" +
			"\nevent Warning VolumeMismatch for PersistentVolume disk: Cannot bind PersistentVolume to requested PersistentVolumeClaim \"data\" due to incompatible volumeMode." +
			"\nevent Warning VolumeMismatch for PersistentVolumeClaim default/data: Cannot bind PersistentVolume \"disk\" to requested PersistentVolumeClaim due to incompatible volumeMode."},
		{"one whose claim names it is bound", []change{taken, phase(corev1.VolumeAvailable)}, gen.PersistentVolumeClaim("data", gen.BoundTo("disk")), isNow + `Bound"}}`},
		{"nothing is left to do then", []change{taken}, gen.PersistentVolumeClaim("data", gen.BoundTo("disk")), "nothing to do"},
		{"one whose claim has got another is let go", []change{taken}, gen.PersistentVolumeClaim("data", gen.BoundTo("other")),
			`patch PersistentVolume disk {"metadata":{"annotations":null},"spec":{"claimRef":null}}: its claim has got volume other` + "\n" + isNow + `Available"}}`},
		{"but stays reserved where a person said so", []change{gen.PreBound("data", "data"), phase(corev1.VolumeBound)}, gen.PersistentVolumeClaim("data", gen.BoundTo("other")),
			`patch PersistentVolume disk {"spec":{"claimRef":{"uid":null}}}: its claim has got volume other` + "\n" + isNow + `Available"}}`},
		{"one that was provisioned for it is released", []change{taken, by("d"), policy(corev1.PersistentVolumeReclaimDelete)}, gen.PersistentVolumeClaim("data", gen.BoundTo("other")),
			isNow + `Released"}}`},
		{"one whose claim is gone is released", []change{taken}, nil, isNow + `Released"}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			expect(t, gen.PersistentVolume("disk", tt.volume...), world{claim: tt.claim}, tt.want)
		})
	}
}

func TestReclaim(t *testing.T) {
	remove := policy(corev1.PersistentVolumeReclaimDelete)
	for _, tt := range []struct {
		name   string
		volume []change
		want   string
	}{
		{"retained", nil, "nothing to do: its claim is gone, and it is retained"},
		{"deleted by the driver", []change{remove, csi}, "nothing to do: its claim is gone, and its provisioner is to delete it"},
		{"deleted by the provisioner", []change{remove, by("example.com/disks")}, "nothing to do: its claim is gone, and its provisioner is to delete it"},
		{"of a plugin from which a driver took over", []change{remove, by("kubernetes.io/aws-ebs"), note("pv.kubernetes.io/migrated-to", "ebs.csi.aws.com")},
			"nothing to do: its claim is gone, and it is for driver ebs.csi.aws.com to reclaim it"},
		{"of a directory that nobody deletes", []change{remove},
			failed + `"error getting deleter volume plugin for volume \"disk\": no deletable volume plugin matched","phase":"Failed"}}` +
				"\nevent Warning VolumeFailedDelete for PersistentVolume disk: error getting deleter volume plugin for volume \"disk\": no deletable volume plugin matched"},
		{"of a disk that nobody deletes", []change{remove, local},
			failed + `"error getting deleter volume plugin for volume \"disk\": no volume plugin matched","phase":"Failed"}}` +
				"\nevent Warning VolumeFailedDelete for PersistentVolume disk: error getting deleter volume plugin for volume \"disk\": no volume plugin matched"},
		{"of a plugin that is gone", []change{remove, by("kubernetes.io/rbd"), gen.Finalized[*ocorev1.PersistentVolume]("kubernetes.io/pv-controller")},
			failed + `"no volume plugin matched name: kubernetes.io/rbd","phase":"Failed"}}` +
				"\nevent Warning VolumeFailedDelete for PersistentVolume disk: no volume plugin matched name: kubernetes.io/rbd"},
		{"that failed before is not said again", []change{remove, phase(corev1.VolumeFailed)},
			`nothing to do: error getting deleter volume plugin for volume "disk": no deletable volume plugin matched`},
		{"by a policy that nobody knows", []change{policy("Burn")},
			failed + `"Volume has unrecognized PersistentVolumeReclaimPolicy","phase":"Failed"}}` +
				"\nevent Warning VolumeUnknownReclaimPolicy for PersistentVolume disk: Volume has unrecognized PersistentVolumeReclaimPolicy"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			expect(t, gen.PersistentVolume("disk", append([]change{taken, released}, tt.volume...)...), world{}, tt.want)
		})
	}
}

func TestRecycle(t *testing.T) {
	recycled := policy(corev1.PersistentVolumeReclaimRecycle)
	pod := func(changes ...func(*ocorev1.Pod)) *ocorev1.Pod { return gen.Pod("recycler-for-disk", changes...) }
	own := note("orrery.dev/recycler", "data/recycler-for-disk")
	ended := func(phase corev1.PodPhase, message string) *ocorev1.Pod {
		return pod(func(pod *ocorev1.Pod) { pod.Status.Phase, pod.Status.Message = phase, message })
	}
	for _, tt := range []struct {
		name   string
		volume []change
		w      world
		want   string
	}{
		{"a pod is made for it", nil, world{}, "recycle PersistentVolume disk by Pod default/recycler-for-disk: its claim is gone"},
		{"of NFS too", []change{nfs}, world{}, "recycle PersistentVolume disk by Pod default/recycler-for-disk: its claim is gone"},
		{"of nothing else", []change{csi}, world{},
			failed + `"No recycler plugin found for the volume!","phase":"Failed"}}` + "\nevent Warning VolumeFailedRecycle for PersistentVolume disk: No recycler plugin found for the volume!"},
		{"it waits for pods that use it", nil, world{users: []string{"default/web", "default/db"}},
			"nothing to do: pods use it\nevent Normal VolumeFailedRecycle for PersistentVolume disk: Volume is used by pods: default/web,default/db"},
		{"its pod is waited for", []change{own}, world{recycler: pod()}, "nothing to do: its recycler is at work"},
		{"another pod of the name counts for nothing", nil, world{recycler: ended(corev1.PodSucceeded, "")},
			"delete Pod default/recycler-for-disk: it was not made to recycle the volume now"},
		{"nor does one that was made after another claim", []change{note("orrery.dev/recycler", "old/recycler-for-disk")}, world{recycler: ended(corev1.PodSucceeded, "")},
			"delete Pod default/recycler-for-disk: it was not made to recycle the volume now"},
		{"it is there for others when its pod has succeeded", []change{own}, world{recycler: ended(corev1.PodSucceeded, "")},
			"delete Pod default/recycler-for-disk: the volume is recycled\n" +
				`patch PersistentVolume disk {"metadata":{"annotations":null},"spec":{"claimRef":null}}: it is recycled` + "\n" +
				isNow + `Available"}}` + "\nevent Normal VolumeRecycled for PersistentVolume disk: Volume recycled"},
		{"that its pod has failed is said", []change{own}, world{recycler: ended(corev1.PodFailed, "no space"), failed: gen.Now},
			failed + `"Recycle failed: failed to recycle volume: no space","phase":"Failed"}}` +
				"\nevent Warning VolumeFailedRecycle for PersistentVolume disk: Recycle failed: failed to recycle volume: no space" +
				"\nlook again in 15s: the recycler has failed, and another one is tried then"},
		{"after a while it is tried again", []change{own, phase(corev1.VolumeFailed)}, world{recycler: ended(corev1.PodFailed, ""), failed: gen.Now.Add(-retry)},
			"delete Pod default/recycler-for-disk: it has failed, and another one is to try"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			expect(t, gen.PersistentVolume("disk", append([]change{taken, released, recycled}, tt.volume...)...), tt.w, tt.want)
		})
	}
}

func TestProvisionedVolumesAreKeptByTheFinalizerOfWhoDeletesThem(t *testing.T) {
	const ofPlugins, ofDrivers = "kubernetes.io/pv-controller", "external-provisioner.volume.kubernetes.io/finalizer"
	for _, tt := range []struct {
		name       string
		by         string
		policy     corev1.PersistentVolumeReclaimPolicy
		have, want string
	}{
		{"one of nobody keeps what it has", "", corev1.PersistentVolumeReclaimDelete, ofPlugins, ofPlugins},
		{"one of a driver keeps what it has", "example.com/disks", corev1.PersistentVolumeReclaimDelete, ofDrivers, ofDrivers},
		{"one of a plugin gets its finalizer for the driver's", "kubernetes.io/rbd", corev1.PersistentVolumeReclaimDelete, ofDrivers, ofPlugins},
		{"one of a plugin that is retained needs none", "kubernetes.io/rbd", corev1.PersistentVolumeReclaimRetain, ofPlugins, ""},
		{"one from whose plugin a driver took over loses the plugin's", "kubernetes.io/aws-ebs", corev1.PersistentVolumeReclaimDelete, ofPlugins, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			volume := gen.PersistentVolume("disk", policy(tt.policy), gen.Finalized[*ocorev1.PersistentVolume](tt.have))
			if got := strings.Join(finalizers(volume, tt.by), " "); got != tt.want {
				t.Errorf("the finalizers are %q, want %q", got, tt.want)
			}
		})
	}
}

func TestARecyclerHasTimeForTheSize(t *testing.T) {
	for size, want := range map[string]time.Duration{"1Mi": time.Minute, "10Gi": 5 * time.Minute} {
		volume := gen.PersistentVolume("disk", func(v *ocorev1.PersistentVolume) { v.Spec.Capacity = gen.Storage(size) })
		if got := time.Duration(*recycler(volume).Spec.ActiveDeadlineSeconds) * time.Second; got != want {
			t.Errorf("for %s it has %s, want %s", size, got, want)
		}
	}
}

func expect(t *testing.T, volume *ocorev1.PersistentVolume, w world, want string) {
	t.Helper()
	p := (Controller{}).Plan(volume, w, gen.Now)
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
