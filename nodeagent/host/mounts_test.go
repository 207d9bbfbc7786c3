package host

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"

	"github.com/orrery-dev/orrery/nodeagent/pods"
)

func TestSubPathsStayInTheirVolume(t *testing.T) {
	volume, outside := t.TempDir(), t.TempDir()
	if err := os.Symlink(outside, filepath.Join(volume, "way-out")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("dir", filepath.Join(volume, "inside")); err != nil {
		t.Fatal(err)
	}
	h := New(Options{})
	for sub, ok := range map[string]bool{"dir": true, "dir/deeper": true, "inside": true, "way-out": false, "way-out/x": false, "../x": false, "/x": false} {
		if sub == "inside" {
			if err := os.MkdirAll(filepath.Join(volume, "dir"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		got, err := h.subPath(volume, sub)
		if (err == nil) != ok {
			t.Errorf("%q leads to %q (%v)", sub, got, err)
		}
	}
	if left, err := os.ReadDir(outside); err != nil || len(left) != 0 {
		t.Errorf("something was made outside: %v (%v)", left, err)
	}
}

// Whoever may write to a volume may write to a directory of it that the agent makes.
func TestASubPathHasTheModeOfItsVolume(t *testing.T) {
	for _, mode := range []os.FileMode{0o777, 0o777 | os.ModeSetgid, 0o755, 0o700} {
		volume := t.TempDir()
		if err := os.Mkdir(filepath.Join(volume, "there"), 0o711); err != nil {
			t.Fatal(err)
		}
		// An attempt before this one came no further.
		if err := os.Mkdir(filepath.Join(volume, "there", ".a.unfinished"), 0o711); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(volume, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := New(Options{}).subPath(volume, "there/a/b"); err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]os.FileMode{"there": 0o711, "there/a": mode, "there/a/b": mode} {
			if info, err := os.Stat(filepath.Join(volume, path)); err != nil || info.Mode() != os.ModeDir|want {
				t.Errorf("in a volume of mode %v %s is %v (%v), want %v", mode, path, info.Mode(), err, want)
			}
		}
	}
}

// plainVolumes have a directory each.
type plainVolumes struct{}

func (plainVolumes) Mount(context.Context, *corev1.Pod, string) error { return nil }

func (plainVolumes) Stats(context.Context, string, *corev1.Volume) (*statsv1alpha1.FsStats, error) {
	return nil, nil
}
func (plainVolumes) Unmount(context.Context, string) error { return nil }

func (plainVolumes) Path(_ *corev1.Pod, dir string, volume *corev1.Volume) string {
	return filepath.Join(dir, volume.Name)
}

func TestWhatAPodMayNotWriteToIsReadOnly(t *testing.T) {
	h := New(Options{RootDir: t.TempDir(), Volumes: plainVolumes{}})
	for name, test := range map[string]struct {
		source   corev1.VolumeSource
		readOnly bool
	}{
		"a ConfigMap":      {corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{}}, true},
		"a Secret":         {corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{}}, true},
		"the downward API": {corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{}}, true},
		"a projection":     {corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{}}, true},
		"an emptyDir":      {corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}, false},
		"a claim":          {corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{}}, false},
		"a claim to read":  {corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ReadOnly: true}}, true},
		"a hostPath":       {corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{}}, false},
	} {
		p := pod(func(p *corev1.Pod) { p.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: test.source}} })
		mount, err := h.volumeMount(p, &p.Spec.Containers[0], &corev1.VolumeMount{Name: "v", MountPath: "/v"}, pods.ContainerOf{}, nil)
		if err != nil || mount.Readonly != test.readOnly {
			t.Errorf("%s is mounted as %v (%v), want it to be read-only: %t", name, mount, err, test.readOnly)
		}
	}
}

func TestAnImageIsMountedByTheRuntime(t *testing.T) {
	h := New(Options{RootDir: t.TempDir(), Volumes: plainVolumes{}})
	p := pod(func(p *corev1.Pod) {
		p.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{Image: &corev1.ImageVolumeSource{Reference: "model:1"}}}}
	})
	of := pods.ContainerOf{VolumeImages: map[string]string{"v": "sha256:abc"}}
	for _, test := range []struct {
		name   string
		mount  corev1.VolumeMount
		of     pods.ContainerOf
		want   string
		errors string
	}{
		{"as a whole, and read-only", corev1.VolumeMount{Name: "v", MountPath: "/v"}, of, "sha256:abc as model:1 at /v", ""},
		{"a part of it", corev1.VolumeMount{Name: "v", MountPath: "v", SubPath: "weights"}, of, "sha256:abc/weights as model:1 at /v", ""},
		{"not what lies outside", corev1.VolumeMount{Name: "v", MountPath: "/v", SubPath: "../etc"}, of, "", "has to lead to what is in the image"},
		{"not without a reference", corev1.VolumeMount{Name: "v", MountPath: "/v"}, pods.ContainerOf{}, "", "names no image"},
	} {
		t.Run(test.name, func(t *testing.T) {
			mount, err := h.volumeMount(p, &p.Spec.Containers[0], &test.mount, test.of, nil)
			if test.errors != "" {
				if err == nil || !strings.Contains(err.Error(), test.errors) {
					t.Fatalf("the error is %v, want one that says %q", err, test.errors)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := filepath.Join(mount.Image.Image, mount.ImageSubPath) + " as " + mount.Image.UserSpecifiedImage + " at " + mount.ContainerPath
			if got != test.want || !mount.Readonly || mount.HostPath != "" {
				t.Errorf("mounted is %s (%v), want %s", got, mount, test.want)
			}
		})
	}
}

func TestFilesOfVariablesStayInTheirVolume(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	pod := &corev1.Pod{}
	pod.UID = "uid"
	pod.Spec.Volumes = []corev1.Volume{{Name: "config"}}
	h := New(Options{RootDir: root, Volumes: plainVolumes{}})
	volume := h.VolumePath(pod, &pod.Spec.Volumes[0])
	if err := os.MkdirAll(filepath.Join(volume, "dir"), 0o755); err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{filepath.Join(volume, "dir/env"): "inside", filepath.Join(outside, "env"): "outside"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"link": "dir/env", "way-out": filepath.Join(outside, "env")} {
		if err := os.Symlink(to, filepath.Join(volume, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(volume, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	open := h.opener(pod)
	for path, ok := range map[string]bool{"dir/env": true, "link": true, "way-out": false, "../config/dir/env": false, "pipe": false, "dir": false, "none": false} {
		file, err := open("config", path)
		if (err == nil) != ok {
			t.Errorf("%s: %v", path, err)
		}
		if err == nil {
			if text, err := io.ReadAll(file); err != nil || string(text) != "inside" {
				t.Errorf("%s is %q (%v)", path, text, err)
			}
			_ = file.Close() // it was only read
		}
	}
	if _, err := open("other", "env"); err == nil || !strings.Contains(err.Error(), `cannot find the volume "other"`) {
		t.Errorf("a volume that there is not: %v", err)
	}
}

func TestWhatIsMountedBelowIsReadOnlyWhereThatCanBe(t *testing.T) {
	enabled, ifPossible, disabled := corev1.RecursiveReadOnlyEnabled, corev1.RecursiveReadOnlyIfPossible, corev1.RecursiveReadOnlyDisabled
	able := &runtimeapi.RuntimeHandlerFeatures{RecursiveReadOnlyMounts: true}
	fromHost, none := corev1.MountPropagationHostToContainer, corev1.MountPropagationNone
	for _, test := range []struct {
		name     string
		mount    corev1.VolumeMount
		features *runtimeapi.RuntimeHandlerFeatures
		want     bool
		err      string
	}{
		{"not unless it is asked for", corev1.VolumeMount{ReadOnly: true}, able, false, ""},
		{"not where it is disabled", corev1.VolumeMount{ReadOnly: true, RecursiveReadOnly: &disabled}, able, false, ""},
		{"where it is asked for", corev1.VolumeMount{ReadOnly: true, RecursiveReadOnly: &enabled, MountPropagation: &none}, able, true, ""},
		{"where it is asked for if possible, and is", corev1.VolumeMount{ReadOnly: true, RecursiveReadOnly: &ifPossible}, able, true, ""},
		{"not where it is asked for if possible, and is not", corev1.VolumeMount{ReadOnly: true, RecursiveReadOnly: &ifPossible}, nil, false, ""},
		{"not by a runtime that cannot", corev1.VolumeMount{ReadOnly: true, RecursiveReadOnly: &enabled}, &runtimeapi.RuntimeHandlerFeatures{}, false,
			`volume "v" requested recursive read-only mode, but it is not supported by the runtime`},
		{"not where one may write", corev1.VolumeMount{RecursiveReadOnly: &enabled}, able, false,
			`volume "v" requested recursive read-only mode, but it is not read-only`},
		{"not where the host mounts more", corev1.VolumeMount{ReadOnly: true, RecursiveReadOnly: &ifPossible, MountPropagation: &fromHost}, able, false,
			`volume "v" requested recursive read-only mode, but it is not compatible with propagation "HostToContainer"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := New(Options{RootDir: t.TempDir(), Volumes: plainVolumes{}})
			p := pod(func(p *corev1.Pod) { p.Spec.Volumes = []corev1.Volume{{Name: "v"}} })
			test.mount.Name, test.mount.MountPath = "v", "/v"
			mount, err := h.volumeMount(p, &p.Spec.Containers[0], &test.mount, pods.ContainerOf{Features: test.features}, nil)
			if test.err != "" {
				if err == nil || err.Error() != test.err {
					t.Errorf("the error is %v, want %s", err, test.err)
				}
				return
			}
			if err != nil || mount.RecursiveReadOnly != test.want {
				t.Errorf("it is mounted as %v (%v), want recursive: %t", mount, err, test.want)
			}
		})
	}
}
