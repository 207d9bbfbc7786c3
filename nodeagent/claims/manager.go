package claims

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"sync"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	drav1 "k8s.io/kubelet/pkg/apis/dra/v1"
	"k8s.io/utils/clock"

	"github.com/orrery-dev/orrery/nodeagent/checkpoint"
)

// stateFile is the kubelet's name for what is on the disk, in the node's directory.
const stateFile = "dra_manager_state"

// API is what is asked of the API server.
type API interface {
	// ResourceClaim reads a claim.
	ResourceClaim(ctx context.Context, namespace, name string) (*resourcev1.ResourceClaim, error)
	// DeleteResourceSlices removes those of the node that a driver has published; those of all drivers, if it is "".
	DeleteResourceSlices(ctx context.Context, driver string) error
}

// Options are what a Manager needs. Log may be left out.
type Options struct {
	// Root is the node's directory.
	Root  string
	API   API
	Clock clock.WithDelayedExecution
	Log   logr.Logger
}

// Manager has drivers prepare claims. It is safe for concurrent use.
type Manager struct {
	Options
	// wiped are drivers whose ResourceSlices are to be removed; "" stands for all.
	wiped chan string

	mu      sync.Mutex
	drivers map[string][]*driver
	wipes   map[string]clock.Timer
	// claims are those that drivers have prepared, or may have, by their UIDs.
	claims map[types.UID]*claim
}

// claim is one that is or may be prepared.
type claim struct {
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	UID       types.UID `json:"uid"`
	// Pods are the UIDs of those of the node that have it.
	Pods []types.UID `json:"pods"`
	// Devices are what drivers have answered, by the drivers' names; empty for one that has not yet.
	Devices map[string][]Device `json:"devices"`
	// Prepared: all of them have.
	Prepared bool `json:"prepared,omitempty"`

	// undoing: drivers have been asked to undo it.
	undoing bool
}

// Device is one that a driver has prepared.
type Device struct {
	Pool  string  `json:"pool"`
	Name  string  `json:"name"`
	Share *string `json:"share,omitempty"`
	// Requests are those of the claim that it is for; all of them, if there are none.
	Requests []string `json:"requests,omitempty"`
	// CDI are the names by which the runtime knows what it consists of.
	CDI []string `json:"cdi,omitempty"`
}

// request is what a driver is told of a claim.
func (c *claim) request() *drav1.Claim {
	return &drav1.Claim{Namespace: c.Namespace, Uid: string(c.UID), Name: c.Name}
}

// New returns a Manager that knows what may be prepared.
func New(options Options) (*Manager, error) {
	m := &Manager{
		Options: options, wiped: make(chan string, 64), drivers: map[string][]*driver{}, wipes: map[string]clock.Timer{}, claims: map[types.UID]*claim{},
	}
	_, err := checkpoint.Read(m.path(), &m.claims)
	return m, err
}

func (m *Manager) path() string { return filepath.Join(m.Root, stateFile) }

// keep writes down what may be prepared. The lock is held.
func (m *Manager) keep() error { return checkpoint.Write(m.path(), m.claims) }

// Pods are the UIDs of those that have claims.
func (m *Manager) Pods() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := map[string]bool{}
	for _, c := range m.claims {
		for _, pod := range c.Pods {
			found[string(pod)] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// find is the claim of a name. The lock is held.
func (m *Manager) find(namespace, name string) *claim {
	for _, c := range m.claims {
		if c.Namespace == namespace && c.Name == name {
			return c
		}
	}
	return nil
}

// Run removes what drivers have published that are not there, until ctx ends. What an agent before this one knew of drivers is not known:
// all of it is removed first, and published again by those that are there.
func (m *Manager) Run(ctx context.Context) {
	driver := ""
	for {
		if err := m.API.DeleteResourceSlices(ctx, driver); err != nil && ctx.Err() == nil {
			m.Log.Error(err, "Removing the ResourceSlices of a driver that is gone", "driver", driver)
			m.Clock.AfterFunc(wipingDelay, func() { m.wipe(driver) })
		}
		select {
		case <-ctx.Done():
			return
		case driver = <-m.wiped:
		}
	}
}

// requested are the names of the claims of a pod that containers refer to by others, and what a container asks of each: requests of it, or "" for
// the whole.
func (m *Manager) requested(pod *corev1.Pod, spec *corev1.Container) (map[string][]string, error) {
	all, err := claimsOf(pod)
	if err != nil {
		return nil, err
	}
	asked := map[string][]string{}
	for _, of := range spec.Resources.Claims {
		if name := all[of.Name].name; name != "" {
			asked[name] = append(asked[name], of.Request)
		}
	}
	if extended := pod.Status.ExtendedResourceClaimStatus; extended != nil {
		for _, r := range extended.RequestMappings {
			if quantity := spec.Resources.Requests[corev1.ResourceName(r.ResourceName)]; r.ContainerName == spec.Name && !quantity.IsZero() {
				asked[extended.ResourceClaimName] = append(asked[extended.ResourceClaimName], r.RequestName)
			}
		}
	}
	return asked, nil
}
