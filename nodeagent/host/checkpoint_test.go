package host

import (
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestACheckpointIsReplacedAsAWhole(t *testing.T) {
	h := New(Options{RootDir: t.TempDir()})
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: "uid"}}
	if text, err := h.ReadCheckpoint("uid"); err != nil || text != nil {
		t.Errorf("before anything is written it is %q (%v)", text, err)
	}
	for _, written := range []string{"a long one", "short"} {
		if err := h.WriteCheckpoint(pod, []byte(written)); err != nil {
			t.Fatal(err)
		}
		if text, err := h.ReadCheckpoint("uid"); err != nil || string(text) != written {
			t.Errorf("it is %q (%v), want %q", text, err, written)
		}
	}
	entries, err := os.ReadDir(h.podDir(pod))
	if err != nil || len(entries) != 1 {
		t.Errorf("its directory has %v (%v), want the one file", entries, err)
	}
	if err := os.Remove(filepath.Join(h.podDir(pod), checkpointFile)); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(h.podDir(pod), checkpointFile), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := h.WriteCheckpoint(pod, []byte("x")); err == nil {
		t.Error("one that cannot be replaced is said to have been written")
	}
	if entries, err := os.ReadDir(h.podDir(pod)); err != nil || len(entries) != 1 {
		t.Errorf("what was not to be had is left over: %v (%v)", entries, err)
	}
}

func TestASimulatedNodeKeepsNoCheckpoint(t *testing.T) {
	h := New(Options{})
	if err := h.WriteCheckpoint(&corev1.Pod{}, []byte("x")); err != nil {
		t.Error(err)
	}
	if text, err := h.ReadCheckpoint(""); err != nil || text != nil {
		t.Errorf("it has %q (%v)", text, err)
	}
}
