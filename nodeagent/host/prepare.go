package host

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"

	"github.com/orrery-dev/orrery/nodeagent/cgroups"
)

// Prepare implements pods.Host.
func (h *Host) Prepare(ctx context.Context, pod *corev1.Pod, group cgroups.Limits, ips []string) error {
	if h.CgroupRoot != "" {
		if err := h.Cgroups.Create(cgroups.Path(h.CgroupRoot, pod), h.groupLimits(pod, group)); err != nil {
			return err
		}
	}
	if h.RootDir == "" {
		return nil
	}
	for dir, mode := range map[string]os.FileMode{h.podDir(pod): 0o750, h.logDir(pod): 0o755} {
		if err := os.MkdirAll(dir, mode); err != nil {
			return fmt.Errorf("making the pod's directories: %w", err)
		}
	}
	return h.Volumes.Mount(ctx, h.addressed(pod, ips), h.podDir(pod))
}

// CleanUp implements pods.Host. Logs stay until the pod is gone.
func (h *Host) CleanUp(ctx context.Context, pod *corev1.Pod) error {
	if h.CgroupRoot != "" {
		if err := h.Cgroups.Remove(string(pod.UID)); err != nil {
			return err
		}
	}
	if h.Claims != nil {
		if err := h.Claims.Unprepare(ctx, pod.UID); err != nil {
			return err
		}
	}
	if h.Assignments != nil {
		if err := h.Assignments.Release(pod.UID); err != nil {
			return err
		}
	}
	if h.RootDir == "" {
		return nil
	}
	if err := h.Volumes.Unmount(ctx, h.podDir(pod)); err != nil {
		return err
	}
	if err := os.RemoveAll(h.podDir(pod)); err != nil {
		return fmt.Errorf("removing the pod's directory: %w", err)
	}
	if h.UserRanges != nil {
		h.UserRanges.Release(string(pod.UID))
	}
	return nil
}

// RemoveLogs implements pods.Host.
func (h *Host) RemoveLogs(pod *corev1.Pod) error {
	if h.RootDir == "" {
		return nil
	}
	// The name and namespace of a pod that nobody knows are not known either.
	dirs, err := filepath.Glob(filepath.Join(h.RootDir, LogsDir, "*_"+string(pod.UID)))
	if err != nil {
		return fmt.Errorf("looking for the pod's logs: %w", err)
	}
	for _, dir := range dirs {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("removing the pod's logs: %w", err)
		}
	}
	return nil
}

// ListPodsFromDisk implements pods.Host.
func (h *Host) ListPodsFromDisk() ([]string, error) {
	if h.RootDir == "" {
		return nil, nil
	}
	var uids []string
	if h.Assignments != nil {
		uids = h.Assignments.Pods()
	}
	if h.Claims != nil {
		uids = append(uids, h.Claims.Pods()...)
	}
	for _, parent := range []string{podsDir, LogsDir} {
		entries, err := os.ReadDir(filepath.Join(h.RootDir, parent))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			uids = append(uids, entry.Name()[strings.LastIndex(entry.Name(), "_")+1:])
		}
	}
	return uids, nil
}

// VolumePath is where a volume of the pod is, once it was made.
func (h *Host) VolumePath(pod *corev1.Pod, volume *corev1.Volume) string {
	return h.Volumes.Path(pod, h.podDir(pod), volume)
}

// VolumeStats are the figures of a volume of the pod; nil where it has none.
func (h *Host) VolumeStats(ctx context.Context, pod *corev1.Pod, volume *corev1.Volume) (*statsv1alpha1.FsStats, error) {
	return h.Volumes.Stats(ctx, h.podDir(pod), volume)
}

// ContainerLogs is where the logs of a container's instances are.
func (h *Host) ContainerLogs(pod *corev1.Pod, container string) string {
	return filepath.Join(h.logDir(pod), container)
}
