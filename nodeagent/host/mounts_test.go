package host

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

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

func (plainVolumes) Unmount(string) error { return nil }

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
