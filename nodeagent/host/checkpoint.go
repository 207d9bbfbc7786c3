package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/orrery-dev/orrery/internal/durable"
)

// checkpointFile is in the directory of a pod that was resized.
const checkpointFile = "resources.json"

// WriteCheckpoint implements pods.Host. The file is replaced as a whole. Without a root directory nothing is kept: what a simulated
// node runs does not outlive its agent.
func (h *Host) WriteCheckpoint(pod *corev1.Pod, text []byte) error {
	if h.RootDir == "" {
		return nil
	}
	dir := h.podDir(pod)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("making the pod's directory: %w", err)
	}
	if err := durable.WriteFile(filepath.Join(dir, checkpointFile), text, 0o600); err != nil {
		return fmt.Errorf("writing the pod's checkpoint: %w", err)
	}
	return nil
}

// ReadCheckpoint implements pods.Host.
func (h *Host) ReadCheckpoint(uid types.UID) ([]byte, error) {
	if h.RootDir == "" {
		return nil, nil
	}
	text, err := os.ReadFile(filepath.Join(h.RootDir, podsDir, string(uid), checkpointFile))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return text, err
}
