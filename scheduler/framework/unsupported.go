package framework

import (
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	schedulingv1alpha3 "k8s.io/api/scheduling/v1alpha3"
	schedulingv1beta1 "k8s.io/api/scheduling/v1beta1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/dynamic-resource-allocation/structured"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
)

// ErrUnsupported is returned by the parts of a plugin's Handle that this scheduler does not have.
var ErrUnsupported = errors.New("not supported by this scheduler")

// ErrCompositePodGroups is ErrUnsupported for groups of groups.
var ErrCompositePodGroups = unsupported("groups of groups (CompositePodGroup, which is alpha)")

func unsupported(what string) error { return fmt.Errorf("%s: %w", what, ErrUnsupported) }

// noQueue stands in for the queue while plugins are built, and for nominations where there are none.
type noQueue struct{}

func (noQueue) AddNominatedPod(klog.Logger, fwk.PodInfo, *fwk.NominatingInfo) {}
func (noQueue) DeleteNominatedPodIfExists(*corev1.Pod)                        {}
func (noQueue) UpdateNominatedPod(klog.Logger, *corev1.Pod, fwk.PodInfo)      {}
func (noQueue) NominatedPodsForNode(string) []fwk.PodInfo                     { return nil }
func (noQueue) NominationsVersion() int64                                     { return 0 }
func (noQueue) NominationVersion(string) int64                                { return 0 }
func (noQueue) VisitNominations(func(string, int64, []fwk.PodInfo))           {}
func (noQueue) Activate(klog.Logger, map[string]*corev1.Pod)                  {}

// immutableSnapshot reads like a snapshot and refuses to be changed.
type immutableSnapshot struct{ fwk.SharedLister }

func (immutableSnapshot) StartMutations() error { return unsupported("changing the snapshot") }
func (immutableSnapshot) EndMutations() error   { return unsupported("changing the snapshot") }
func (immutableSnapshot) AddPod(fwk.PodInfo, string) error {
	return unsupported("adding a pod to the snapshot")
}
func (immutableSnapshot) RemovePod(klog.Logger, *corev1.Pod, string) error {
	return unsupported("removing a pod from the snapshot")
}

// NoPodGroups answers every question about pod groups with an error.
type NoPodGroups struct{}

var _ fwk.PodGroupManager = NoPodGroups{}

// PodGroupStates returns a lister of errors.
func (NoPodGroups) PodGroupStates() fwk.PodGroupStateLister { return noPodGroupStates{} }

// PodGroups returns a lister of errors.
func (NoPodGroups) PodGroups() fwk.PodGroupLister { return noPodGroupList{} }

// CompositePodGroupStates returns a lister of errors.
func (NoPodGroups) CompositePodGroupStates() fwk.CompositePodGroupStateLister {
	return noCompositeStates{}
}

// CompositePodGroups returns a lister of errors.
func (NoPodGroups) CompositePodGroups() fwk.CompositePodGroupLister { return noCompositeList{} }

// BuildHierarchySnapshotFromPod is an error.
func (NoPodGroups) BuildHierarchySnapshotFromPod(*corev1.Pod) (fwk.PodGroupManager, error) {
	return nil, unsupported("building a hierarchy of pod groups")
}

// GetRootKeyForGroup is an error.
func (NoPodGroups) GetRootKeyForGroup(fwk.EntityKey) (fwk.EntityKey, bool, error) {
	return fwk.EntityKey{}, false, unsupported("finding the root of a pod group")
}

type (
	noPodGroupStates  struct{}
	noPodGroupList    struct{}
	noCompositeStates struct{}
	noCompositeList   struct{}
)

func (noPodGroupStates) Get(string, string) (fwk.PodGroupState, error) {
	return nil, unsupported("getting the state of a pod group")
}

func (noPodGroupList) Get(string, string) (*schedulingv1beta1.PodGroup, error) {
	return nil, unsupported("getting a pod group")
}

func (noCompositeStates) Get(namespace, name string) (fwk.CompositePodGroupState, error) {
	return nil, fmt.Errorf("getting the state of composite pod group %s/%s: %w", namespace, name, ErrCompositePodGroups)
}

func (noCompositeList) Get(namespace, name string) (*schedulingv1alpha3.CompositePodGroup, error) {
	return nil, fmt.Errorf("getting composite pod group %s/%s: %w", namespace, name, ErrCompositePodGroups)
}

type noVolumeLimits struct{}

func (noVolumeLimits) CSINodes() fwk.CSINodeLister { return noCSINodes{} }

type noCSINodes struct{}

func (noCSINodes) List() ([]*storagev1.CSINode, error) { return nil, unsupported("listing CSINodes") }
func (noCSINodes) Get(string) (*storagev1.CSINode, error) {
	return nil, unsupported("getting a CSINode")
}

// noDynamicResources answers what can be answered with an error. It knows no claim and no device class.
type noDynamicResources struct{}

func (noDynamicResources) ResourceClaims() fwk.ResourceClaimTracker     { return noClaims{} }
func (noDynamicResources) ResourceSlices() fwk.ResourceSliceLister      { return noSlices{} }
func (noDynamicResources) DeviceClasses() fwk.DeviceClassLister         { return noClasses{} }
func (noDynamicResources) DeviceClassResolver() fwk.DeviceClassResolver { return noClasses{} }

type noSlices struct{}

func (noSlices) ListWithDeviceTaintRules() ([]*resourcev1.ResourceSlice, error) {
	return nil, unsupported("listing ResourceSlices")
}

type noClasses struct{}

func (noClasses) List() ([]*resourcev1.DeviceClass, error) {
	return nil, unsupported("listing DeviceClasses")
}

func (noClasses) Get(string) (*resourcev1.DeviceClass, error) {
	return nil, unsupported("getting a DeviceClass")
}

func (noClasses) GetDeviceClass(corev1.ResourceName) *resourcev1.DeviceClass { return nil }

type noClaims struct{}

func (noClaims) List() ([]*resourcev1.ResourceClaim, error) {
	return nil, unsupported("listing ResourceClaims")
}

func (noClaims) Get(string, string) (*resourcev1.ResourceClaim, error) {
	return nil, unsupported("getting a ResourceClaim")
}

func (noClaims) ListAllAllocatedDevices() (sets.Set[structured.DeviceID], error) {
	return nil, unsupported("listing allocated devices")
}

func (noClaims) GatherAllocatedState() (*structured.AllocatedState, error) {
	return nil, unsupported("gathering allocated devices")
}

func (noClaims) SignalClaimPendingAllocation(types.UID, *resourcev1.ResourceClaim) error {
	return unsupported("allocating a ResourceClaim")
}

func (noClaims) AssumeClaimAfterAPICall(*resourcev1.ResourceClaim) error {
	return unsupported("assuming a ResourceClaim")
}

func (noClaims) GetPendingAllocation(types.UID) *resourcev1.AllocationResult { return nil }
func (noClaims) MaybeRemoveClaimPendingAllocation(types.UID, bool) bool      { return false }
func (noClaims) AssumedClaimRestore(string, string)                          {}
