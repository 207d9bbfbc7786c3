package framework

import (
	"k8s.io/client-go/informers"
	clientset "k8s.io/client-go/kubernetes"
	restclient "k8s.io/client-go/rest"
	"k8s.io/client-go/tools/events"
	fwk "k8s.io/kube-scheduler/framework"
)

// SnapshotSharedLister returns the cluster as it was at the start of the current attempt. It stays so until Permit ends.
func (f *Framework) SnapshotSharedLister() fwk.SharedLister { return f.env.Snapshot }

// ClientSet returns the client of the API server.
func (f *Framework) ClientSet() clientset.Interface { return f.env.ClientSet }

// KubeConfig returns how to reach the API server.
func (f *Framework) KubeConfig() *restclient.Config { return f.env.KubeConfig }

// EventRecorder returns the recorder whose events come from this profile's scheduler.
func (f *Framework) EventRecorder() events.EventRecorderLogger { return f.recorder }

// SharedInformerFactory returns informers of the kinds that a plugin asks for while it is built. They are started and
// synced before the first pod is scheduled. Objects are of upstream's types under either naming, and a kind that the API
// server does not serve has none.
func (f *Framework) SharedInformerFactory() informers.SharedInformerFactory { return f.env.Informers }

// Parallelizer spreads work over the scheduler's number of goroutines.
func (f *Framework) Parallelizer() fwk.Parallelizer { return f.parallel }

// Extenders returns the programs outside of the scheduler that have a say. Do not change the slice.
func (f *Framework) Extenders() []fwk.Extender { return f.env.Extenders }

// APIDispatcher returns nil, which stands for calls being made where they are needed.
func (f *Framework) APIDispatcher() fwk.APIDispatcher { return nil }

// APICacher returns nil, which stands for calls being made where they are needed.
func (f *Framework) APICacher() fwk.APICacher { return nil }

// MutableSnapshotSharedLister returns the snapshot as something that can be changed for a while. Where the Environment's
// Snapshot cannot, changing it is an error.
func (f *Framework) MutableSnapshotSharedLister() fwk.MutableSnapshotSharedLister {
	if mutable, ok := f.env.Snapshot.(fwk.MutableSnapshotSharedLister); ok {
		return mutable
	}
	return immutableSnapshot{f.env.Snapshot}
}

// SharedDRAManager returns what is known of dynamic resources. Without a manager in the Environment, its methods report
// that they are not supported.
func (f *Framework) SharedDRAManager() fwk.SharedDRAManager {
	if f.env.DynamicResources == nil {
		return noDynamicResources{}
	}
	return f.env.DynamicResources
}

// SharedCSIManager returns what is known of the CSI drivers on the nodes. Where the Environment has no manager, its methods
// report that they are not supported.
func (f *Framework) SharedCSIManager() fwk.CSIManager {
	if f.env.CSI == nil {
		return noVolumeLimits{}
	}
	return f.env.CSI
}

// PodGroupManager returns what is known of pod groups at this moment, beside the snapshot. Where the API server has no
// pod groups, it knows none.
func (f *Framework) PodGroupManager() fwk.PodGroupManager {
	if f.env.PodGroups == nil {
		return NoPodGroups{}
	}
	return f.env.PodGroups
}
