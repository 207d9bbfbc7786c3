package volumes

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// bound answers every question with one volume or one error, and counts.
type bound struct {
	claim  corev1.PersistentVolumeClaim
	volume *corev1.PersistentVolume
	err    error
	asked  int
}

func (b *bound) Bound(context.Context, *corev1.Pod, *corev1.Volume) (*corev1.PersistentVolumeClaim, *corev1.PersistentVolume, error) {
	b.asked++
	return &b.claim, b.volume, b.err
}

func (b *bound) WriteStatus(_ context.Context, _, changed *corev1.PersistentVolumeClaim) (*corev1.PersistentVolumeClaim, error) {
	b.claim = *changed
	return changed.DeepCopy(), nil
}

// claiming is a pod with a claim.
func claiming() *corev1.Pod {
	pod := &corev1.Pod{}
	pod.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"},
	}}}
	return pod
}

func persistent(source corev1.PersistentVolumeSource) *corev1.PersistentVolume {
	v := &corev1.PersistentVolume{Spec: corev1.PersistentVolumeSpec{PersistentVolumeSource: source}}
	v.Name = "disk"
	return v
}

func atHostPath(path string) *corev1.PersistentVolume {
	return persistent(corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: path, Type: ptr.To(corev1.HostPathDirectoryOrCreate)}})
}

func locally(path string) *corev1.PersistentVolume {
	return persistent(corev1.PersistentVolumeSource{Local: &corev1.LocalVolumeSource{Path: path}})
}

func TestAClaimIsWhereItsVolumeIs(t *testing.T) {
	for _, name := range []string{"hostPath", "local"} {
		t.Run(name, func(t *testing.T) {
			target, dir, pod := t.TempDir(), t.TempDir(), claiming()
			claims := &bound{volume: map[string]*corev1.PersistentVolume{"hostPath": atHostPath(target), "local": locally(target)}[name]}
			m := New(Options{Claims: claims})
			for range 2 {
				if err := m.Mount(t.Context(), pod, dir); err != nil {
					t.Fatal(err)
				}
			}
			if got := m.Path(pod, dir, &pod.Spec.Volumes[0]); got != target {
				t.Errorf("the volume is at %s, want %s", got, target)
			}
			if claims.asked != 1 {
				t.Errorf("asked %d times what the claim is bound to, want once", claims.asked)
			}
		})
	}
}

func TestRemovingAPodLeavesItsClaimsAlone(t *testing.T) {
	target, dir, pod := t.TempDir(), t.TempDir(), claiming()
	file := filepath.Join(target, "kept")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	m := New(Options{Claims: &bound{volume: locally(target)}})
	if err := errors.Join(m.Mount(t.Context(), pod, dir), m.Unmount(t.Context(), dir), os.RemoveAll(dir)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}

func TestAClaimThatCannotBeHadSaysWhy(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	block := locally(t.TempDir())
	block.Spec.VolumeMode = ptr.To(corev1.PersistentVolumeBlock)
	for name, c := range map[string]struct {
		claims bound
		want   string
	}{
		"it is not bound":            {bound{err: errors.New("PVC is not bound")}, `MountVolume.SetUp failed for volume "data" : PVC is not bound`},
		"it is to be a block device": {bound{volume: block}, "is no block device"},
		"of a kind that is not had":  {bound{volume: persistent(corev1.PersistentVolumeSource{NFS: &corev1.NFSVolumeSource{}})}, "PersistentVolume disk: volumes of its kind"},
		"not there":                  {bound{volume: locally(file + ".no")}, "no such file"},
		"no directory":               {bound{volume: locally(file)}, "is no directory"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, pod := t.TempDir(), claiming()
			m := New(Options{Claims: &c.claims})
			if err := m.Mount(t.Context(), pod, dir); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// filled is a directory with a directory, a file and a link that leads out of it.
func filled(t *testing.T) (root, outside string) {
	t.Helper()
	root, outside = t.TempDir(), filepath.Join(t.TempDir(), "outside")
	err := errors.Join(
		os.WriteFile(outside, nil, 0o600), os.Mkdir(filepath.Join(root, "sub"), 0o700),
		os.WriteFile(filepath.Join(root, "sub", "file"), nil, 0o640), os.Symlink(outside, filepath.Join(root, "link")),
	)
	if err != nil {
		t.Fatal(err)
	}
	return root, outside
}

func groupOf(t *testing.T, path string) (int, os.FileMode) {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return int(info.Sys().(*syscall.Stat_t).Gid), info.Mode()
}

func TestALocalVolumeIsGivenToItsGroup(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("giving files to a group needs root")
	}
	faults(t, func(t *testing.T, d *faulty) {
		root, outside := filled(t)
		pod := claiming()
		pod.Spec.SecurityContext = &corev1.PodSecurityContext{FSGroup: ptr.To[int64](1234)}
		m, dir := New(Options{Claims: &bound{volume: locally(root)}}), t.TempDir()
		m.disk = d
		_ = m.Mount(t.Context(), pod, dir) // it may fail anywhere
		m.disk = osDisk{}
		if err := m.Mount(t.Context(), pod, dir); err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]os.FileMode{
			root: 0o770 | os.ModeSetgid | os.ModeDir, filepath.Join(root, "sub"): 0o770 | os.ModeSetgid | os.ModeDir, filepath.Join(root, "sub", "file"): 0o660,
		} {
			if group, mode := groupOf(t, path); group != 1234 || mode&want != want {
				t.Errorf("%s has group %d and mode %v, want 1234 and at least %v", path, group, mode, want)
			}
		}
		if group, mode := groupOf(t, outside); group == 1234 || mode.Perm() != 0o600 {
			t.Errorf("what a link points to has become the group's: %d, %v", group, mode)
		}
	})
}

func TestARootThatMatchesIsTakenForTheWhole(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("giving files to a group needs root")
	}
	root, _ := filled(t)
	if err := giveToGroup(osDisk{}, root, 1234, corev1.FSGroupChangeAlways); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(root, "sub", "file")
	for policy, want := range map[corev1.PodFSGroupChangePolicy]int{corev1.FSGroupChangeOnRootMismatch: 5, corev1.FSGroupChangeAlways: 1234} {
		if err := os.Chown(file, -1, 5); err != nil {
			t.Fatal(err)
		}
		if err := giveToGroup(osDisk{}, root, 1234, policy); err != nil {
			t.Fatal(err)
		}
		if got, _ := groupOf(t, file); got != want {
			t.Errorf("with %s a file below has group %d, want %d", policy, got, want)
		}
	}
}
