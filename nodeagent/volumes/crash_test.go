package volumes

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testingclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
)

// leftovers are the agent's own names in a volume that belong to no content.
func leftovers(t *testing.T, dir string) []string {
	t.Helper()
	live, err := os.Readlink(filepath.Join(dir, dataDir))
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, entry := range entries {
		if name := entry.Name(); strings.HasPrefix(name, "..") && name != dataDir && name != live {
			found = append(found, name)
		}
	}
	return found
}

// through lists what a reader sees who goes through the link to the content.
func through(t *testing.T, dir string) []string {
	t.Helper()
	if _, err := os.Lstat(filepath.Join(dir, dataDir)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return tree(t, filepath.Join(dir, dataDir))
}

func TestAWriteIsCompletedByTheNextOne(t *testing.T) {
	small := map[string]File{"a": {Data: []byte("one"), Mode: 0o644}}
	large := map[string]File{"a": {Data: []byte("two"), Mode: 0o600}, "b": {Data: []byte("new"), Mode: 0o644}, "deep/c": {Data: []byte("too"), Mode: 0o400}}
	seen := map[string][]string{"small": {"a 644 one"}, "large": {"a 600 two", "b 644 new", "deep/c 400 too"}, "empty": nil}
	contents := map[string]map[string]File{"small": small, "large": large, "empty": {}}
	for _, test := range []struct{ name, before, change, after string }{
		{"the first content", "", "large", "large"},
		{"the first content, and another one then", "", "large", "small"},
		{"more files", "small", "large", "large"},
		{"fewer files", "large", "small", "small"},
		{"more files, which are taken back", "small", "large", "small"},
		{"no files", "large", "empty", "empty"},
		{"the same files", "large", "large", "large"},
	} {
		t.Run(test.name, func(t *testing.T) {
			faults(t, func(t *testing.T, disk *faulty) {
				dir := t.TempDir()
				if test.before != "" {
					if err := (atomicWriter{osDisk{}}).Write(dir, contents[test.before], nil, now); err != nil {
						t.Fatal(err)
					}
				}
				err := atomicWriter{disk}.Write(dir, contents[test.change], nil, now)
				if failed := err != nil; failed != disk.reached() {
					t.Fatalf("the write ended with %v", err)
				}
				if got := through(t, dir); !slices.Equal(got, seen[test.before]) && !slices.Equal(got, seen[test.change]) {
					t.Errorf("a reader sees %q, which is neither the old nor the new content", got)
				}
				for _, attempt := range []string{"the next write", "the one after it"} {
					if err := (atomicWriter{osDisk{}}).Write(dir, contents[test.after], nil, now); err != nil {
						t.Fatalf("%s: %v", attempt, err)
					}
					if got := tree(t, dir); !slices.Equal(got, seen[test.after]) {
						t.Errorf("after %s the volume has %q, want %q", attempt, got, seen[test.after])
					}
					if left := leftovers(t, dir); len(left) > 0 {
						t.Errorf("after %s there is left: %q", attempt, left)
					}
				}
			})
		})
	}
}

func TestAnEmptyDirIsCompletedByTheNextAttempt(t *testing.T) {
	for name, group := range map[string]*int64{"of everybody": nil, "of a group": ptr.To(int64(os.Getgid()))} {
		t.Run(name, func(t *testing.T) {
			want := fs.ModeDir | 0o777
			if group != nil {
				want |= fs.ModeSetgid
			}
			faults(t, func(t *testing.T, disk *faulty) {
				path := filepath.Join(t.TempDir(), "empty-dir", "v")
				if err := emptyDir(disk, path, ofGroup(group), &corev1.EmptyDirVolumeSource{}); (err != nil) != disk.reached() {
					t.Fatalf("the attempt ended with %v", err)
				}
				if err := emptyDir(osDisk{}, path, ofGroup(group), &corev1.EmptyDirVolumeSource{}); err != nil {
					t.Fatal(err)
				}
				if info, err := os.Stat(path); err != nil || info.Mode() != want {
					t.Errorf("the directory is %v (%v), want %v", info, err, want)
				}
				if inside, err := os.ReadDir(filepath.Dir(path)); err != nil || len(inside) != 1 {
					t.Errorf("beside it there is %v (%v)", inside, err)
				}
			})
		})
	}
}

// TestThePodsVolumesAreCompletedByTheNextMount mounts volumes of all kinds that are written to.
func TestThePodsVolumesAreCompletedByTheNextMount(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting memory needs root")
	}
	data := source{
		configMaps: map[string]*corev1.ConfigMap{"c": {Data: map[string]string{"k": "v"}}},
		secrets:    map[string]*corev1.Secret{"s": {Data: map[string][]byte{"word": []byte("sesame")}}},
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: "pod", Name: "web"}}
	pod.Spec.SecurityContext = &corev1.PodSecurityContext{FSGroup: ptr.To[int64](4711)}
	pod.Spec.Volumes = []corev1.Volume{
		{Name: "settings", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "c"}}}},
		{Name: "password", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "s"}}},
		{Name: "disk", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		{Name: "memory", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory}}},
	}
	faults(t, func(t *testing.T, disk *faulty) {
		dir := filepath.Join(t.TempDir(), "pod")
		m := New(Options{Source: data, Clock: testingclock.NewFakeClock(now)})
		t.Cleanup(func() {
			if err := m.Unmount(context.Background(), dir); err != nil {
				t.Error(err)
			}
		})
		m.disk = disk
		if err := m.Mount(t.Context(), pod, dir); (err != nil) != disk.reached() {
			t.Fatalf("the mount ended with %v", err)
		}
		m.disk = osDisk{}
		if err := m.Mount(t.Context(), pod, dir); err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for i := range pod.Spec.Volumes {
			volume := &pod.Spec.Volumes[i]
			path := m.Path(pod, dir, volume)
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			got[volume.Name] = fmt.Sprintf("%v %q", info.Mode(), tree(t, path))
		}
		want := map[string]string{
			"settings": `drwxr-xr-x ["k 644 v"]`, "password": `drwxr-xr-x ["word 644 sesame"]`,
			"disk": "dgrwxrwxrwx []", "memory": "dgrwxrwxrwx []",
		}
		if !maps.Equal(got, want) {
			t.Errorf("the volumes are %v, want %v", got, want)
		}
	})
}

func ofGroup(group *int64) *corev1.Pod {
	return &corev1.Pod{Spec: corev1.PodSpec{SecurityContext: &corev1.PodSecurityContext{FSGroup: group}}}
}
