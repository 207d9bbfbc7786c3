package volumerestrictions

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
	"github.com/orrery-dev/orrery/scheduler/nodeinfo"
)

func podWith(sources ...corev1.VolumeSource) *corev1.Pod {
	pod := &corev1.Pod{}
	for _, source := range sources {
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{VolumeSource: source})
	}
	return pod
}

func gce(name string, readOnly bool) corev1.VolumeSource {
	return corev1.VolumeSource{GCEPersistentDisk: &corev1.GCEPersistentDiskVolumeSource{PDName: name, ReadOnly: readOnly}}
}

func ebs(id string, readOnly bool) corev1.VolumeSource {
	return corev1.VolumeSource{AWSElasticBlockStore: &corev1.AWSElasticBlockStoreVolumeSource{VolumeID: id, ReadOnly: readOnly}}
}

func iscsi(iqn string, lun int32, readOnly bool) corev1.VolumeSource {
	return corev1.VolumeSource{ISCSI: &corev1.ISCSIVolumeSource{IQN: iqn, Lun: lun, ReadOnly: readOnly}}
}

func rbd(pool, image string, readOnly bool, monitors ...string) corev1.VolumeSource {
	return corev1.VolumeSource{RBD: &corev1.RBDVolumeSource{RBDPool: pool, RBDImage: image, CephMonitors: monitors, ReadOnly: readOnly}}
}

func claim(name string) corev1.VolumeSource {
	return corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: name}}
}

func TestPodsThatShareADisk(t *testing.T) {
	for _, test := range []struct {
		name string
		a, b corev1.VolumeSource
		want bool
	}{
		{"a GCE disk is written by one pod", gce("d", false), gce("d", true), true},
		{"a GCE disk is read by many", gce("d", true), gce("d", true), false},
		{"another GCE disk is no matter", gce("d", false), gce("e", false), false},
		{"an EBS volume is one pod's even to read", ebs("v", true), ebs("v", true), true},
		{"another EBS volume is no matter", ebs("v", false), ebs("w", false), false},
		{"an iSCSI target is the same at another lun", iscsi("iqn", 0, false), iscsi("iqn", 1, true), true},
		{"an iSCSI target is read by many", iscsi("iqn", 0, true), iscsi("iqn", 0, true), false},
		{"a Ceph image is the same through one monitor of several", rbd("p", "i", false, "m1", "m2"), rbd("p", "i", true, "m2", "m3"), true},
		{"a Ceph image of other monitors is another", rbd("p", "i", false, "m1"), rbd("p", "i", false, "m2"), false},
		{"a Ceph image of another pool is another", rbd("p", "i", false, "m1"), rbd("q", "i", false, "m1"), false},
		{"a Ceph image is read by many", rbd("p", "i", true, "m1"), rbd("p", "i", true, "m1"), false},
		{"disks of different kinds never meet", gce("d", false), ebs("d", false), false},
		{"claims are no matter here", claim("c"), claim("c"), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := sharesDisk(podWith(test.a), podWith(test.b)); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
			if got := sharesDisk(podWith(test.b), podWith(test.a)); got != test.want {
				t.Errorf("the other way round: got %t, want %t", got, test.want)
			}
		})
	}
}

func TestPreemptionFreesAnExclusiveClaim(t *testing.T) {
	state := framework.NewCycleState(false)
	state.Write(stateKey, &exclusive{claims: []string{"data"}, users: 1})
	p, pod, node := &Plugin{}, podWith(claim("data")), nodeinfo.New()
	user, err := nodeinfo.NewPodInfo(podWith(claim("other"), claim("data")))
	if err != nil {
		t.Fatal(err)
	}
	check := func(state fwk.CycleState, want fwk.Code) {
		t.Helper()
		if got := p.Filter(t.Context(), state, pod, node).Code(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	check(state, fwk.Unschedulable)
	tried := state.Clone()
	if status := p.RemovePod(t.Context(), tried, pod, user, node); !status.IsSuccess() {
		t.Fatal(status.AsError())
	}
	check(tried, fwk.Success)
	check(state, fwk.Unschedulable) // What was tried on a copy has not happened.
	if status := p.AddPod(t.Context(), tried, pod, user, node); !status.IsSuccess() {
		t.Fatal(status.AsError())
	}
	check(tried, fwk.Unschedulable)
}

func TestAPodWithoutVolumesCostsNothing(t *testing.T) {
	p, pod := &Plugin{}, &corev1.Pod{} // Without listers, it could not read anything either.
	if _, status := p.PreFilter(t.Context(), nil, pod, nil); !status.IsSkip() {
		t.Errorf("got %v, want Skip", status)
	}
	if allocations := testing.AllocsPerRun(100, func() { p.PreFilter(t.Context(), nil, pod, nil) }); allocations > 1 {
		t.Errorf("PreFilter allocates %v times, want the status only", allocations)
	}
}
