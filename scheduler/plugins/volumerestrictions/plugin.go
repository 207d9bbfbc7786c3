package volumerestrictions

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	corelisters "k8s.io/client-go/listers/core/v1"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/orrery-dev/orrery/scheduler/framework"
)

// What the plugin reads.
//
// +kubebuilder:rbac:groups="",resources=persistentvolumeclaims,verbs=list;watch
// +kubebuilder:rbac:groups=core.orrery.dev,resources=persistentvolumeclaims,verbs=list;watch

// Name is the plugin's name in configurations.
const Name = "VolumeRestrictions"

const (
	reasonDisk                          = "node(s) had no available disk"
	reasonReadWriteOncePod              = "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod"
	stateKey               fwk.StateKey = "PreFilter" + Name
)

// Plugin reads claims, and from the snapshot which of them are in use.
type Plugin struct {
	claims   corelisters.PersistentVolumeClaimLister
	snapshot fwk.SharedLister
}

var (
	_ fwk.PreFilterPlugin     = &Plugin{}
	_ fwk.PreFilterExtensions = &Plugin{}
	_ fwk.FilterPlugin        = &Plugin{}
	_ fwk.EnqueueExtensions   = &Plugin{}
	_ fwk.SignPlugin          = &Plugin{}
)

// New returns the plugin. It takes no arguments.
func New(_ context.Context, _ runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
	return &Plugin{
		claims:   handle.SharedInformerFactory().Core().V1().PersistentVolumeClaims().Lister(),
		snapshot: handle.SnapshotSharedLister(),
	}, nil
}

// Name returns the plugin's name.
func (*Plugin) Name() string { return Name }

// PreFilter finds the pod's claims of the access mode ReadWriteOncePod. It skips pods that name no disk directly and
// whose claims are free.
func (p *Plugin) PreFilter(_ context.Context, state fwk.CycleState, pod *corev1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	if len(pod.Spec.Volumes) == 0 {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	alone, err := p.usedAlone(pod)
	if apierrors.IsNotFound(err) {
		return nil, fwk.NewStatus(fwk.UnschedulableAndUnresolvable, err.Error())
	}
	if err != nil {
		return nil, fwk.AsStatus(err)
	}
	if alone.users == 0 && !namesDisk(pod) {
		return nil, fwk.NewStatus(fwk.Skip)
	}
	state.Write(stateKey, alone)
	return nil, nil
}

// usedAlone returns the pod's claims that no other pod may use, and how many of them some pod does use. The error is
// the lister's as it is: its text is shown to the user.
func (p *Plugin) usedAlone(pod *corev1.Pod) (*exclusive, error) {
	alone := &exclusive{}
	for i := range pod.Spec.Volumes {
		source := pod.Spec.Volumes[i].PersistentVolumeClaim
		if source == nil {
			continue
		}
		claim, err := p.claims.PersistentVolumeClaims(pod.Namespace).Get(source.ClaimName)
		if err != nil {
			return nil, err
		}
		if !isReadWriteOncePod(claim) || alone.has(claim.Name) {
			continue
		}
		alone.claims = append(alone.claims, claim.Name)
		if p.snapshot.StorageInfos().IsPVCUsedByPods(pod.Namespace + "/" + claim.Name) {
			alone.users++ // There can be no more than one.
		}
	}
	return alone, nil
}

// PreFilterExtensions returns the plugin itself.
func (p *Plugin) PreFilterExtensions() fwk.PreFilterExtensions { return p }

// AddPod counts a pod as a user of its claims.
func (*Plugin) AddPod(_ context.Context, state fwk.CycleState, _ *corev1.Pod, added fwk.PodInfo, _ fwk.NodeInfo) *fwk.Status {
	return count(state, added, +1)
}

// RemovePod no longer counts a pod as a user of its claims.
func (*Plugin) RemovePod(_ context.Context, state fwk.CycleState, _ *corev1.Pod, removed fwk.PodInfo, _ fwk.NodeInfo) *fwk.Status {
	return count(state, removed, -1)
}

func count(state fwk.CycleState, other fwk.PodInfo, sign int) *fwk.Status {
	alone, err := framework.ReadState[*exclusive](state, stateKey)
	if err != nil {
		return fwk.AsStatus(err)
	}
	alone.users += sign * alone.mentions(other.GetPod())
	return nil
}

// Filter refuses a node that has one of the pod's disks in use, and every node while one of its exclusive claims is.
func (*Plugin) Filter(_ context.Context, state fwk.CycleState, pod *corev1.Pod, node fwk.NodeInfo) *fwk.Status {
	if namesDisk(pod) && diskInUse(pod, node.GetPods()) {
		return fwk.NewStatus(fwk.Unschedulable, reasonDisk)
	}
	alone, err := framework.ReadState[*exclusive](state, stateKey)
	if err != nil {
		return fwk.AsStatus(err)
	}
	if alone.users > 0 {
		return fwk.NewStatus(fwk.Unschedulable, reasonReadWriteOncePod)
	}
	return nil
}

func diskInUse(pod *corev1.Pod, others []fwk.PodInfo) bool {
	for _, other := range others {
		if sharesDisk(pod, other.GetPod()) {
			return true
		}
	}
	return false
}

// SignPod says that the volumes decide.
func (*Plugin) SignPod(_ context.Context, pod *corev1.Pod) ([]fwk.SignFragment, *fwk.Status) {
	return []fwk.SignFragment{{Key: fwk.VolumesSignerName, Value: fwk.VolumesSigner(pod)}}, nil
}
