package pods

import (
	"context"
	"fmt"
	"hash/fnv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/orrery-dev/orrery/nodeagent/cgroups"
	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/status"
)

// Host is the node's side of a pod: directories, volumes, cgroups, and what the runtime is to be told.
type Host interface {
	// Prepare makes or refreshes what the pod needs on the node, its control group with these limits. It can be called any number of times.
	Prepare(ctx context.Context, pod *corev1.Pod, group cgroups.Limits, ips []string) error
	Assigning
	Resizing
	// PrepareClaims has drivers prepare what the pod claims of resources. It can be called any number of times; CleanUp undoes it.
	PrepareClaims(ctx context.Context, pod *corev1.Pod) error
	// Sandbox says what the sandbox is to be like.
	Sandbox(ctx context.Context, pod *corev1.Pod) (*runtimeapi.PodSandboxConfig, error)
	// RuntimeHandler says by which handler of the runtime a sandbox is made; "" is the default one.
	RuntimeHandler(ctx context.Context, pod *corev1.Pod) (string, error)
	// Container says what a container is to be like. An error means that its configuration cannot be had now.
	Container(ctx context.Context, pod *corev1.Pod, spec *corev1.Container, of ContainerOf) (*runtimeapi.ContainerConfig, error)
	// Credentials are those of the pod for the image's registry, best first. With an error, those that could be read.
	Credentials(ctx context.Context, pod *corev1.Pod, image string) ([]*runtimeapi.AuthConfig, error)
	// ReadTerminationMessages fills in what the runtime does not tell about containers that ended: their termination messages.
	ReadTerminationMessages(containers []cri.Container)
	// CleanUp takes away what Prepare made, but for logs. Nothing of the pod runs any more.
	CleanUp(ctx context.Context, pod *corev1.Pod) error
	// RemoveLogs removes the logs of a pod that is gone.
	RemoveLogs(pod *corev1.Pod) error
	// ListPodsFromDisk returns the UIDs of the pods that something of is left on the node.
	ListPodsFromDisk() ([]string, error)
}

// Assigning gives pods what they have for themselves of the node, such as devices.
type Assigning interface {
	// Assigned says whether the pod has all that it is to have for itself.
	Assigned(pod *corev1.Pod) bool
	// Assign gives the pod that, or says why it cannot run here. What it was given is taken back by CleanUp.
	Assign(ctx context.Context, pod *corev1.Pod) *status.Failure
	// Health is how the devices of the pod's containers are, by the containers' names.
	Health(pod *corev1.Pod) map[string][]corev1.ResourceStatus
}

// Resizing is what a resize needs of the node.
type Resizing interface {
	// LimitGroup gives the pod's control group other limits.
	LimitGroup(pod *corev1.Pod, limits cgroups.Limits) error
	// MemoryUsage is what the pod uses of memory, in bytes.
	MemoryUsage(pod *corev1.Pod) (int64, error)
	// Resources are what the runtime is to be told of a container's amounts.
	Resources(pod *corev1.Pod, amounts Amounts) *runtimeapi.LinuxContainerResources
	// WriteCheckpoint keeps what is written for a pod until CleanUp; it is there whole or not at all.
	WriteCheckpoint(pod *corev1.Pod, text []byte) error
	// ReadCheckpoint returns what was written last; nothing if nothing was.
	ReadCheckpoint(uid types.UID) ([]byte, error)
}

// ContainerOf is what a new instance of a container follows from, besides its spec.
type ContainerOf struct {
	Restarts int32
	// Image is the reference that the runtime gave, and User whom it runs as unless the pod says otherwise.
	Image string
	User  ImageUser
	// VolumeImages are the references that the runtime gave to the images which the container mounts, by volume.
	VolumeImages map[string]string
	// Features are what the handler of the pod's runtime can do; nil unless the container wants what not every one can.
	Features *runtimeapi.RuntimeHandlerFeatures
	// IPs are the pod's.
	IPs []string
	// Target is the ID of the container whose processes it is to see; "" if there is none.
	Target string
}

// ImageUser is the user that an image names: by number, or by a name that only the image itself could explain. The zero value is root.
type ImageUser struct {
	UID  int64
	Name string
}

// Hooks run lifecycle hooks.
type Hooks interface {
	Run(ctx context.Context, pod *corev1.Pod, containerID string, hook *corev1.LifecycleHandler, ips []string) error
}

// API is what the loop asks of the API server.
type API interface {
	// WriteStatus makes the pod's status what is given, but for conditions that others own. A pod that is not there any
	// more, or is another one of the same name, is no error.
	WriteStatus(ctx context.Context, pod *corev1.Pod, status *corev1.PodStatus) error
	// Delete removes this very pod without further grace. One that is not there is no error.
	Delete(ctx context.Context, pod *corev1.Pod) error
}

// Hash identifies what of a container's spec cannot change without a restart.
func Hash(spec *corev1.Container) string {
	h := fnv.New64a()
	fmt.Fprintf(h, "%q %q", spec.Name, spec.Image)
	return fmt.Sprintf("%x", h.Sum64())
}
