package volumes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/clock"

	"github.com/orrery-dev/orrery/nodeagent/csi"
	"github.com/orrery-dev/orrery/nodeagent/env"
	"github.com/orrery-dev/orrery/nodeagent/objects"
)

// Tokens requests service account tokens.
type Tokens interface {
	Request(ctx context.Context, pod *corev1.Pod, audience string, expiration time.Duration) (objects.Token, error)
}

// TrustBundles reads the ClusterTrustBundles that are wanted.
type TrustBundles interface {
	TrustBundles(ctx context.Context, wanted func(*certificatesv1.ClusterTrustBundle) bool) ([]*certificatesv1.ClusterTrustBundle, error)
}

// Options configure a Manager.
type Options struct {
	Source          env.Source
	Tokens          Tokens
	TrustBundles    TrustBundles
	PodCertificates PodCertificates
	Claims          Claims
	// CSI is for volumes of CSI drivers; without Drivers there are none.
	CSI CSI
	// Allocatable is the limit of containers that have none, for the downward API.
	Allocatable corev1.ResourceList
	// Clock is the real one if nil.
	Clock clock.PassiveClock
}

// Manager mounts the volumes of pods. It is safe for concurrent use for different pods.
type Manager struct {
	options     Options
	tokens      tokens
	credentials credentials
	disk        disk
	// locks and known are for volumes of CSI drivers.
	locks locks
	known known
}

// New returns a manager.
func New(options Options) *Manager {
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}
	return &Manager{
		options: options, disk: osDisk{}, tokens: tokens{kept: map[string]*issued{}}, credentials: credentials{kept: map[string]*credential{}},
		known: known{staged: map[csi.Volume]bool{}, published: map[[2]string]bool{}},
	}
}

// Mount makes all volumes of the pod below dir, or refreshes them. Each volume that fails is named in the error, and the others are
// mounted all the same. After an error, or a crash at any point, another call does what is left to do.
func (m *Manager) Mount(ctx context.Context, pod *corev1.Pod, dir string) error {
	var errs []error
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		if err := m.mount(ctx, pod, dir, volume); err != nil {
			errs = append(errs, failed("MountVolume.SetUp", volume.Name, err))
		}
	}
	return errors.Join(errs...)
}

// operationError is an error in the kubelet's words for what went wrong.
type operationError struct {
	operation, volume string
	err               error
}

func (e *operationError) Error() string {
	return fmt.Sprintf("%s failed for volume %q : %v", e.operation, e.volume, e.err)
}

func (e *operationError) Unwrap() error { return e.err }

// failed says in which operation about which volume an error came up, unless the error says so itself.
func failed(operation, volume string, err error) error {
	var said *operationError
	if errors.As(err, &said) {
		return err
	}
	return &operationError{operation, volume, err}
}

func (m *Manager) mount(ctx context.Context, pod *corev1.Pod, dir string, volume *corev1.Volume) error {
	path := below(dir, volume)
	switch {
	case volume.HostPath != nil:
		return hostPath(volume.HostPath)
	case volume.EmptyDir != nil:
		return emptyDir(m.disk, path, pod, volume.EmptyDir)
	case volume.Image != nil:
		return nil // the runtime mounts it
	case claims(volume):
		return m.claimed(ctx, pod, dir, path, volume)
	case volume.CSI != nil:
		return m.mountCSI(ctx, pod, dir, path, inlineCSI(pod, volume))
	case written(volume):
		return m.write(ctx, pod, path, volume)
	default:
		return fmt.Errorf("volumes of this kind are not supported: %s", kindOf(volume))
	}
}

// write computes the content first: a volume that cannot be filled is not touched.
func (m *Manager) write(ctx context.Context, pod *corev1.Pod, path string, volume *corev1.Volume) error {
	files, err := m.content(ctx, pod, volume)
	if err != nil {
		return err
	}
	if err := m.disk.MkdirAll(path, 0o755); err != nil {
		return fmt.Errorf("making the volume's directory: %w", err)
	}
	if volume.Secret != nil || volume.Projected != nil {
		if err := mountOnce(m.disk, m.disk.MountMemory, path, "mode=0755"); err != nil {
			return err
		}
	}
	if err := m.disk.Chmod(path, 0o755); err != nil {
		return fmt.Errorf("setting the mode of the volume's directory: %w", err)
	}
	return atomicWriter{m.disk}.Write(path, files, fsGroup(pod), m.options.Clock.Now())
}

// Path is where a volume is, once it is mounted: below dir, or, for a hostPath and for what is linked to, where it always was.
func (m *Manager) Path(_ *corev1.Pod, dir string, volume *corev1.Volume) string {
	if volume.HostPath != nil {
		return volume.HostPath.Path
	}
	path := below(dir, volume)
	if claims(volume) || volume.CSI != nil {
		if target, err := os.Readlink(path); err == nil {
			return target
		}
	}
	return path
}

// below is where a volume's directory is, or the link to it.
func below(dir string, volume *corev1.Volume) string {
	return filepath.Join(dir, "volumes", kindOf(volume), volume.Name)
}

// Unmount takes all volumes below dir away. What was mounted is unmounted, what CSI drivers did is undone; files on the disk are left to
// the caller. After an error, or a crash at any point, another call does what is left to do, also by a manager that never mounted them.
func (m *Manager) Unmount(ctx context.Context, dir string) error {
	m.tokens.forget(dir)
	m.credentials.forget(dir)
	if err := m.unmountCSI(ctx, dir); err != nil {
		return err
	}
	return unmountBelow(dir)
}

// written says whether the agent writes the volume's content.
func written(volume *corev1.Volume) bool {
	return volume.ConfigMap != nil || volume.Secret != nil || volume.DownwardAPI != nil || volume.Projected != nil
}

// kindOf names the kind of a volume, for directories and messages.
func kindOf(volume *corev1.Volume) string {
	for _, kind := range []struct {
		name string
		is   bool
	}{
		{"empty-dir", volume.EmptyDir != nil},
		{"host-path", volume.HostPath != nil},
		{"configmap", volume.ConfigMap != nil},
		{"secret", volume.Secret != nil},
		{"downward-api", volume.DownwardAPI != nil},
		{"projected", volume.Projected != nil},
		{"persistent-claim", volume.PersistentVolumeClaim != nil},
		{"ephemeral", volume.Ephemeral != nil},
		{"csi", volume.CSI != nil},
		{"nfs", volume.NFS != nil},
		{"image", volume.Image != nil},
	} {
		if kind.is {
			return kind.name
		}
	}
	return "unknown"
}

func fsGroup(pod *corev1.Pod) *int64 {
	if pod.Spec.SecurityContext == nil {
		return nil
	}
	return pod.Spec.SecurityContext.FSGroup
}
