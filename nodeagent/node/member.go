package node

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
)

// Figures of upstream's kubelet.
const (
	LeaseDuration  = 40 * time.Second
	RenewEvery     = 10 * time.Second
	reportEvery    = 5 * time.Minute
	leaseNamespace = corev1.NamespaceNodeLease
)

// Runtime is what a node asks of its container runtime.
type Runtime interface {
	Version(ctx context.Context, apiVersion string) (*runtimeapi.VersionResponse, error)
	Status(ctx context.Context, verbose bool) (*runtimeapi.StatusResponse, error)
	ListImages(ctx context.Context, filter *runtimeapi.ImageFilter) ([]*runtimeapi.Image, error)
}

// Member is one node and its lease.
type Member struct {
	Name     string
	Client   client.Client
	Runtime  Runtime
	Clock    clock.PassiveClock
	Labels   map[string]string
	Taints   []corev1.Taint
	PodCIDRs []string
	// Observed holds what does not change; what the runtime says is filled in at each report.
	Observed Observed

	mu       sync.Mutex
	node     *ocorev1.Node
	lease    *coordinationv1.Lease
	reported time.Time
}

// Register makes the Node, or takes over the one that is there: its labels are brought up to date, its spec is left alone.
func (m *Member) Register(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	wanted := m.wanted(ctx)
	created := wanted.DeepCopy()
	err := m.Client.Create(ctx, created)
	switch {
	case err == nil:
		m.node = created
		return nil
	case !apierrors.IsAlreadyExists(err):
		return fmt.Errorf("registering node %s: %w", m.Name, err)
	}
	found := &ocorev1.Node{}
	if err := m.Client.Get(ctx, client.ObjectKey{Name: m.Name}, found); err != nil {
		return fmt.Errorf("reading node %s: %w", m.Name, err)
	}
	updated := found.DeepCopy()
	if updated.Labels == nil {
		updated.Labels = map[string]string{}
	}
	maps.Copy(updated.Labels, wanted.Labels)
	if !maps.Equal(updated.Labels, found.Labels) {
		if err := m.Client.Patch(ctx, updated, client.MergeFrom(found)); err != nil {
			return fmt.Errorf("labelling node %s: %w", m.Name, err)
		}
	}
	m.node = updated
	return nil
}

func (m *Member) wanted(ctx context.Context) *ocorev1.Node {
	info := m.Observed.Info
	labels := map[string]string{
		corev1.LabelHostname:      m.Name,
		corev1.LabelOSStable:      info.OperatingSystem,
		corev1.LabelArchStable:    info.Architecture,
		"beta.kubernetes.io/os":   info.OperatingSystem,
		"beta.kubernetes.io/arch": info.Architecture,
	}
	maps.Copy(labels, m.Labels)
	node := &ocorev1.Node{ObjectMeta: metav1.ObjectMeta{Name: m.Name, Labels: labels}}
	node.Spec.Taints = m.Taints
	node.Spec.PodCIDRs = m.PodCIDRs
	if len(m.PodCIDRs) > 0 {
		node.Spec.PodCIDR = m.PodCIDRs[0]
	}
	node.Status = Status(m.observe(ctx), &node.Status, m.Clock.Now())
	return node
}

// observe asks the runtime.
func (m *Member) observe(ctx context.Context) *Observed {
	o := m.Observed
	status, err := m.Runtime.Status(ctx, false)
	o.Runtime, o.RuntimeError = status.GetStatus(), err
	if version, err := m.Runtime.Version(ctx, "v1"); err == nil {
		o.Info.ContainerRuntimeVersion = version.RuntimeName + "://" + version.RuntimeVersion
	}
	if images, err := m.Runtime.ListImages(ctx, nil); err == nil {
		o.Images = images
	}
	return &o
}

// Beat renews the lease, and reports the status if the API server shows another one or was told nothing for long.
func (m *Member) Beat(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return errors.Join(m.renew(ctx), m.report(ctx))
}

// report compares with what the API server shows and not with what was last said: others write to the status as well, and
// above all say that the node is not ready when it was not heard of.
func (m *Member) report(ctx context.Context) error {
	if err := m.read(ctx, "0"); apierrors.IsNotFound(err) {
		return errors.Join(errAgain, m.read(ctx, "")) // just made, and not in the watch cache yet
	} else if err != nil {
		return err
	}
	now := m.Clock.Now()
	status := Status(m.observe(ctx), &m.node.Status, now)
	if !Changed(&status, &m.node.Status) && now.Sub(m.reported) < reportEvery {
		return nil
	}
	updated := m.node.DeepCopy()
	updated.Status = status
	err := m.Client.Status().Patch(ctx, updated, client.MergeFromWithOptions(m.node, client.MergeFromWithOptimisticLock{}))
	if apierrors.IsConflict(err) {
		return errors.Join(errAgain, m.read(ctx, ""))
	}
	if err != nil {
		return fmt.Errorf("reporting the status of node %s: %w", m.Name, err)
	}
	m.node, m.reported = updated, now
	return nil
}

// errAgain asks for another beat soon.
var errAgain = errors.New("the node was changed by somebody else")

// read fetches the Node: with version "0" as the API server's watch cache has it, which costs etcd nothing; with "" the
// latest. An older one than is known is dropped.
func (m *Member) read(ctx context.Context, version string) error {
	found := &ocorev1.Node{}
	options := &client.GetOptions{Raw: &metav1.GetOptions{ResourceVersion: version}}
	if err := m.Client.Get(ctx, client.ObjectKey{Name: m.Name}, found, options); err != nil {
		return fmt.Errorf("reading node %s: %w", m.Name, err)
	}
	if older(found, m.node) {
		return nil
	}
	m.node = found
	return nil
}

// older says whether a was read before b. Versions of one kind can be compared; what cannot is not older.
func older(a, b *ocorev1.Node) bool {
	order, err := resourceversion.CompareResourceVersion(a.ResourceVersion, b.ResourceVersion)
	return err == nil && a.UID == b.UID && order < 0
}

func (m *Member) renew(ctx context.Context) error {
	now := metav1.NewMicroTime(m.Clock.Now())
	if m.lease == nil {
		return m.acquire(ctx, now)
	}
	updated := m.lease.DeepCopy()
	updated.Spec.RenewTime = &now
	err := m.Client.Update(ctx, updated)
	switch {
	case apierrors.IsConflict(err) || apierrors.IsNotFound(err):
		m.lease = nil
		return m.acquire(ctx, now)
	case err != nil:
		return fmt.Errorf("renewing the lease of node %s: %w", m.Name, err)
	}
	m.lease = updated
	return nil
}

// acquire makes the lease or takes over the one that is there.
func (m *Member) acquire(ctx context.Context, now metav1.MicroTime) error {
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: leaseNamespace, Name: m.Name}}
	err := m.Client.Get(ctx, client.ObjectKeyFromObject(lease), lease)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("reading the lease of node %s: %w", m.Name, err)
	}
	lease.Spec.HolderIdentity, lease.Spec.LeaseDurationSeconds = &m.Name, ptr.To(int32(LeaseDuration.Seconds()))
	lease.Spec.RenewTime = &now
	if owner, ownerErr := m.owner(); ownerErr == nil {
		lease.OwnerReferences = []metav1.OwnerReference{owner}
	}
	if apierrors.IsNotFound(err) {
		err = m.Client.Create(ctx, lease)
	} else {
		err = m.Client.Update(ctx, lease)
	}
	if err != nil {
		return fmt.Errorf("taking the lease of node %s: %w", m.Name, err)
	}
	m.lease = lease
	return nil
}

func (m *Member) owner() (metav1.OwnerReference, error) {
	gvk, err := apiutil.GVKForObject(m.node, m.Client.Scheme())
	if err != nil {
		return metav1.OwnerReference{}, err
	}
	return metav1.OwnerReference{APIVersion: gvk.GroupVersion().String(), Kind: gvk.Kind, Name: m.Name, UID: m.node.UID}, nil
}

func equal(a, b *corev1.NodeStatus) bool { return equality.Semantic.DeepEqual(a, b) }
