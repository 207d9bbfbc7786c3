package node

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/hugepages"
)

// Observed is what a node's status follows from.
type Observed struct {
	Name     string
	IPs      []string
	Hostname string
	// Port is where the agent's server listens; 0 if it does not.
	Port     int32
	Capacity corev1.ResourceList
	// Devices are what device plugins offer beside the capacity, and AllocatableDevices what of that can be given to pods.
	Devices, AllocatableDevices corev1.ResourceList
	// Reserved is what pods cannot have of the capacity.
	Reserved corev1.ResourceList
	Info     corev1.NodeSystemInfo
	// Runtime is what the container runtime said last; nil if it never did.
	Runtime *runtimeapi.RuntimeStatus
	// Handlers are the runtime's, with what each can do, and Features what it can do whatever the handler; none where it does not tell.
	Handlers []*runtimeapi.RuntimeHandler
	Features *runtimeapi.RuntimeFeatures
	// RuntimeErrors are why what it said is not enough, in the words for the node's condition; one at least if it said nothing. That the
	// machine goes down is one of them.
	RuntimeErrors []error
	Images        []*runtimeapi.Image
	// MaxImages is how many of them the node lists, the largest first: 0 for 50, as upstream by default, and -1 for all.
	MaxImages int
	// Pressure are the conditions of what the node is short of.
	Pressure []corev1.NodeConditionType
	// VolumesInUse are the attached volumes that pods have or are about to have. Unless they are known, the status keeps what it says.
	VolumesInUse []corev1.UniqueVolumeName
	VolumesKnown bool
}

// maxImages is how many images a node lists by default.
const maxImages = 50

// declaredFeatures are those of which schedulers and API servers ask whether a node has them before they let a pod ask for them, by the
// names of upstream's gates, in order.
var declaredFeatures = []string{"InPlacePodLevelResourcesVerticalScaling", "InPlacePodVerticalScalingInitContainers", "RestartAllContainersOnContainerExits"}

// Status makes the status. Conditions keep their transition times from last; other controllers' conditions stay.
func Status(o *Observed, last *corev1.NodeStatus, now time.Time) corev1.NodeStatus {
	s := *last.DeepCopy()
	s.Capacity = capacity(o.Capacity, last.Capacity)
	maps.Copy(s.Capacity, o.Devices)
	s.Allocatable = Allocatable(s.Capacity, o.Reserved)
	maps.Copy(s.Allocatable, o.AllocatableDevices)
	s.NodeInfo = o.Info
	s.Addresses = addresses(o)
	s.DaemonEndpoints = corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: o.Port}}
	s.Images = images(o.Images, cmp.Or(o.MaxImages, maxImages))
	s.RuntimeHandlers = handlers(o.Handlers)
	if o.Features != nil {
		s.Features = &corev1.NodeFeatures{SupplementalGroupsPolicy: &o.Features.SupplementalGroupsPolicy}
	}
	if o.VolumesKnown {
		s.VolumesInUse = o.VolumesInUse
	}
	s.DeclaredFeatures = slices.Clone(declaredFeatures)
	for _, condition := range conditions(o) {
		set(&s.Conditions, condition, now)
	}
	return s
}

// capacity is what the agent measures, beside the extended resources that others have added to the Node.
func capacity(measured, last corev1.ResourceList) corev1.ResourceList {
	all := corev1.ResourceList{}
	maps.Copy(all, measured)
	for name, quantity := range last {
		_, ours := measured[name]
		native := !strings.Contains(string(name), "/") || strings.Contains(string(name), "kubernetes.io/")
		if !ours && !native {
			all[name] = quantity
		}
	}
	return all
}

// Allocatable is capacity without what is reserved, never less than nothing. Memory that is set aside for huge pages is not had twice.
func Allocatable(capacity, reserved corev1.ResourceList) corev1.ResourceList {
	allocatable := corev1.ResourceList{}
	reserved = maps.Clone(reserved)
	for name, quantity := range capacity {
		if memory := reserved[corev1.ResourceMemory]; hugepages.Is(name) && !quantity.IsZero() {
			memory.Add(quantity)
			if reserved == nil {
				reserved = corev1.ResourceList{}
			}
			reserved[corev1.ResourceMemory] = memory
		}
	}
	for name, quantity := range capacity {
		left := quantity.DeepCopy()
		if r, ok := reserved[name]; ok {
			left.Sub(r)
		}
		if left.Sign() < 0 {
			left = *resource.NewQuantity(0, left.Format)
		}
		allocatable[name] = left
	}
	return allocatable
}

func addresses(o *Observed) []corev1.NodeAddress {
	var list []corev1.NodeAddress
	for _, ip := range o.IPs {
		list = append(list, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: ip})
	}
	return append(list, corev1.NodeAddress{Type: corev1.NodeHostName, Address: cmp.Or(o.Hostname, o.Name)})
}

func images(found []*runtimeapi.Image, most int) []corev1.ContainerImage {
	found = slices.SortedFunc(slices.Values(found), func(a, b *runtimeapi.Image) int {
		return cmp.Or(cmp.Compare(b.Size, a.Size), cmp.Compare(a.Id, b.Id))
	})
	if most >= 0 {
		found = found[:min(len(found), most)]
	}
	var list []corev1.ContainerImage
	for _, image := range found {
		names := slices.Concat(image.RepoDigests, image.RepoTags)
		if len(names) > 0 {
			list = append(list, corev1.ContainerImage{Names: names, SizeBytes: int64(image.Size)})
		}
	}
	return list
}

// handlers are in the order of their names: a runtime may tell them in any.
func handlers(found []*runtimeapi.RuntimeHandler) []corev1.NodeRuntimeHandler {
	var list []corev1.NodeRuntimeHandler
	for _, h := range found {
		recursive, users := h.GetFeatures().GetRecursiveReadOnlyMounts(), h.GetFeatures().GetUserNamespaces()
		list = append(list, corev1.NodeRuntimeHandler{
			Name: h.GetName(), Features: &corev1.NodeRuntimeHandlerFeatures{RecursiveReadOnlyMounts: &recursive, UserNamespaces: &users},
		})
	}
	slices.SortFunc(list, func(a, b corev1.NodeRuntimeHandler) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

func conditions(o *Observed) []corev1.NodeCondition {
	var all []corev1.NodeCondition
	for i := range pressures {
		all = append(all, pressures[i].condition(slices.Contains(o.Pressure, pressures[i].kind)))
	}
	return append(all, ready(o))
}

// ready: the runtime answers, and says that it and its network are ready.
func ready(o *Observed) corev1.NodeCondition {
	var wrong []string
	for _, err := range o.RuntimeErrors {
		wrong = append(wrong, err.Error())
	}
	if o.Runtime != nil {
		wrong = append(wrong, unready(o.Runtime, runtimeapi.RuntimeReady, "container runtime not ready")...)
		wrong = append(wrong, unready(o.Runtime, runtimeapi.NetworkReady, "container runtime network not ready")...)
	}
	if len(wrong) == 0 {
		return corev1.NodeCondition{
			Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady", Message: "kubelet is posting ready status",
		}
	}
	return corev1.NodeCondition{
		Type: corev1.NodeReady, Status: corev1.ConditionFalse, Reason: "KubeletNotReady", Message: list(wrong),
	}
}

// unready says why a condition of the runtime does not hold. One that the runtime does not speak of does not.
func unready(status *runtimeapi.RuntimeStatus, condition, message string) []string {
	for _, c := range status.GetConditions() {
		if c.Type != condition {
			continue
		}
		if c.Status {
			return nil
		}
		return []string{fmt.Sprintf("%s: %s=false reason:%s message:%s", message, c.Type, c.Reason, c.Message)}
	}
	return []string{fmt.Sprintf("%s: the runtime does not report %s", message, condition)}
}

// list joins messages as upstream's aggregated errors do.
func list(messages []string) string {
	if len(messages) == 1 {
		return messages[0]
	}
	return "[" + strings.Join(messages, ", ") + "]"
}

func set(conditions *[]corev1.NodeCondition, condition corev1.NodeCondition, now time.Time) {
	at := metav1.NewTime(now).Rfc3339Copy()
	condition.LastHeartbeatTime, condition.LastTransitionTime = at, at
	for i := range *conditions {
		if old := &(*conditions)[i]; old.Type == condition.Type {
			if old.Status == condition.Status {
				condition.LastTransitionTime = old.LastTransitionTime
			}
			*old = condition
			return
		}
	}
	*conditions = append(*conditions, condition)
}

// Changed says whether a status says something new, besides that the node is still there.
func Changed(a, b *corev1.NodeStatus) bool {
	x, y := a.DeepCopy(), b.DeepCopy()
	for _, s := range []*corev1.NodeStatus{x, y} {
		for i := range s.Conditions {
			s.Conditions[i].LastHeartbeatTime = metav1.Time{}
		}
	}
	return !equality.Semantic.DeepEqual(x, y)
}
