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
// synced before the first pod is scheduled. Under names other than Kubernetes' own, pods and nodes are not among them:
// read those from the snapshot.
func (f *Framework) SharedInformerFactory() informers.SharedInformerFactory { return f.env.Informers }

// Parallelizer spreads work over the scheduler's number of goroutines.
func (f *Framework) Parallelizer() fwk.Parallelizer { return f.parallel }

// Extenders returns the programs outside of the scheduler that have a say. Do not change the slice.
func (f *Framework) Extenders() []fwk.Extender { return f.env.Extenders }

// APIDispatcher returns nil, which stands for calls being made where they are needed.
func (f *Framework) APIDispatcher() fwk.APIDispatcher { return nil }

// APICacher returns nil, which stands for calls being made where they are needed.
func (f *Framework) APICacher() fwk.APICacher { return nil }

// MutableSnapshotSharedLister returns a lister that reads like the snapshot; changing it is an error.
func (f *Framework) MutableSnapshotSharedLister() fwk.MutableSnapshotSharedLister {
	return immutableSnapshot{f.env.Snapshot}
}

// SharedDRAManager returns a manager whose methods report that dynamic resources are not supported.
func (f *Framework) SharedDRAManager() fwk.SharedDRAManager { return noDynamicResources{} }

// SharedCSIManager returns a manager whose methods report that volume limits are not supported.
func (f *Framework) SharedCSIManager() fwk.CSIManager { return noVolumeLimits{} }

// PodGroupManager returns a manager whose methods report that pod groups are not supported.
func (f *Framework) PodGroupManager() fwk.PodGroupManager { return NoPodGroups{} }
