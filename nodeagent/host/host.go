package host

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"

	"github.com/orrery-dev/orrery/nodeagent/admission"
	"github.com/orrery-dev/orrery/nodeagent/cgroups"
	"github.com/orrery-dev/orrery/nodeagent/cri"
	"github.com/orrery-dev/orrery/nodeagent/env"
	"github.com/orrery-dev/orrery/nodeagent/pods"
	"github.com/orrery-dev/orrery/nodeagent/userns"
)

// Volumes puts volumes onto the disk.
type Volumes interface {
	// Mount makes the pod's volumes below dir, or refreshes them.
	Mount(ctx context.Context, pod *corev1.Pod, dir string) error
	// Path is where a volume is, once it was mounted.
	Path(pod *corev1.Pod, dir string, volume *corev1.Volume) string
	// Stats are the figures of a volume below dir; nil where it has none.
	Stats(ctx context.Context, dir string, volume *corev1.Volume) (*statsv1alpha1.FsStats, error)
	// Unmount takes all volumes below dir away.
	Unmount(ctx context.Context, dir string) error
}

// Assignments are what pods have for themselves of the node.
type Assignments interface {
	pods.Assigning
	// Container has a container made with what it was given.
	Container(ctx context.Context, pod *corev1.Pod, spec *corev1.Container, config *runtimeapi.ContainerConfig) error
	// Exclusive says whether a container of the pod has CPUs for itself.
	Exclusive(pod *corev1.Pod) bool
	// Release takes back what a pod has.
	Release(pod types.UID) error
	// Pods are the UIDs of those that have something.
	Pods() []string
}

// Claims are what pods claim of resources.
type Claims interface {
	// Prepare has drivers prepare the claims of a pod, and Unprepare has them undo that.
	Prepare(ctx context.Context, pod *corev1.Pod) error
	Unprepare(ctx context.Context, pod types.UID) error
	// Container has a container made with what was prepared for it.
	Container(pod *corev1.Pod, spec *corev1.Container, config *runtimeapi.ContainerConfig) error
	// Pods are the UIDs of those that have claims.
	Pods() []string
}

// Options configure a Host.
type Options struct {
	// RootDir is the agent's directory. Without it nothing is written to disk and containers get no mounts.
	RootDir string
	// CgroupRoot is below which pods get their control groups, such as /orrery; "" leaves that to the runtime.
	CgroupRoot string
	// ClusterDNS are the addresses of the cluster's DNS service. Without them pods use the node's DNS.
	ClusterDNS []string
	// ClusterDomain is cluster.local by default.
	ClusterDomain string
	// ResolvConf is the node's; /etc/resolv.conf by default.
	ResolvConf string
	Capacity   corev1.ResourceList
	// Allocatable is what containers without limits may use at most.
	Allocatable corev1.ResourceList
	HostIPs     func() []string
	// Source reads ConfigMaps and Secrets.
	Source env.Source
	// Services returns those of a namespace and default/kubernetes.
	Services func(ctx context.Context, namespace string) ([]*corev1.Service, error)
	// Volumes is needed with a RootDir.
	Volumes Volumes
	// Cgroups is needed with a CgroupRoot.
	Cgroups *cgroups.FS
	// PodPidsLimit is how many processes a pod may have; no limit if it is not above zero.
	PodPidsLimit int64
	// HandlerOf returns the handler of a RuntimeClass. Without it there is one handler for all.
	HandlerOf func(ctx context.Context, runtimeClass string) (string, error)
	// SeccompDefault: a container that names no seccomp profile gets the runtime's default one, rather than none.
	SeccompDefault bool
	// UserRanges are the IDs of pods with users of their own; nil has none for them.
	UserRanges *userns.Ranges
	// Assignments gives pods what they have for themselves; nil gives them nothing.
	Assignments Assignments
	// Claims has drivers prepare what pods claim of resources; nil if nobody does.
	Claims Claims
	// AppArmor: the kernel has it.
	AppArmor bool
}

// Host implements pods.Host.
type Host struct{ Options }

var _ pods.Host = (*Host)(nil)

// New returns a Host.
func New(options Options) *Host {
	if options.ClusterDomain == "" {
		options.ClusterDomain = "cluster.local"
	}
	if options.ResolvConf == "" {
		options.ResolvConf = "/etc/resolv.conf"
	}
	return &Host{options}
}

// Sandbox implements pods.Host.
func (h *Host) Sandbox(_ context.Context, pod *corev1.Pod) (*runtimeapi.PodSandboxConfig, error) {
	return h.sandboxConfig(pod)
}

// RuntimeHandler implements pods.Host.
func (h *Host) RuntimeHandler(ctx context.Context, pod *corev1.Pod) (string, error) {
	class := pod.Spec.RuntimeClassName
	if h.HandlerOf == nil || class == nil || *class == "" {
		return "", nil
	}
	handler, err := h.HandlerOf(ctx, *class)
	if err != nil {
		return "", fmt.Errorf("reading RuntimeClass %q: %w", *class, err)
	}
	return handler, nil
}

// Container implements pods.Host.
func (h *Host) Container(ctx context.Context, pod *corev1.Pod, spec *corev1.Container, of pods.ContainerOf) (*runtimeapi.ContainerConfig, error) {
	if h.RootDir != "" { // a simulated container wants nothing that cannot be simulated
		if err := admission.Container(spec); err != nil {
			return nil, err
		}
	}
	services, err := h.Services(ctx, pod.Namespace)
	if err != nil {
		return nil, fmt.Errorf("listing services of namespace %s: %w", pod.Namespace, err)
	}
	vars, err := env.Compute(ctx, env.Input{
		Pod: h.addressed(pod, of.IPs), Container: spec, Services: services, Allocatable: h.Allocatable, Source: h.Source, Open: h.opener(pod),
	})
	if err != nil {
		return nil, err
	}
	mounts, err := h.mounts(pod, spec, of, env.Lookup(vars))
	if err != nil {
		return nil, err
	}
	devices, err := h.devices(pod, spec)
	if err != nil {
		return nil, err
	}
	config, err := h.containerConfig(pod, spec, of, vars, mounts)
	if err != nil {
		return nil, err
	}
	config.Devices = devices
	if h.Claims != nil {
		if err := h.Claims.Container(pod, spec, config); err != nil {
			return nil, err
		}
	}
	if h.Assignments != nil {
		if err := h.Assignments.Container(ctx, pod, spec, config); err != nil {
			return nil, err
		}
	}
	return config, nil
}

// addressed returns the pod with the addresses it has now, which its status may not say yet.
func (h *Host) addressed(pod *corev1.Pod, ips []string) *corev1.Pod {
	copied := *pod
	copied.Status.PodIPs, copied.Status.HostIPs = nil, nil
	for _, ip := range ips {
		copied.Status.PodIPs = append(copied.Status.PodIPs, corev1.PodIP{IP: ip})
		copied.Status.PodIP = copied.Status.PodIPs[0].IP
	}
	for _, ip := range h.HostIPs() {
		copied.Status.HostIPs = append(copied.Status.HostIPs, corev1.HostIP{IP: ip})
		copied.Status.HostIP = copied.Status.HostIPs[0].IP
	}
	return &copied
}

func (h *Host) cgroupParent(pod *corev1.Pod) string {
	if h.CgroupRoot == "" {
		return ""
	}
	return cgroups.Path(h.CgroupRoot, pod)
}

// ReadTerminationMessages implements pods.Host.
func (h *Host) ReadTerminationMessages(containers []cri.Container) {
	for i := range containers {
		if c := &containers[i]; c.Exited() {
			c.Message = h.terminationMessage(c)
		}
	}
}
