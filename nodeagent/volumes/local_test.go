package volumes

import (
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

func TestAMemoryVolumeIsAsLargeAsItIsAllowedTo(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting memory needs root")
	}
	pod := &corev1.Pod{}
	limit := resource.MustParse("1Mi")
	pod.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{
		EmptyDir: &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory, SizeLimit: &limit},
	}}}
	m, dir := New(Options{}), t.TempDir()
	if err := m.Mount(t.Context(), pod, dir); err != nil {
		t.Fatal(err)
	}
	path := m.Path(pod, dir, &pod.Spec.Volumes[0])
	if err := os.WriteFile(filepath.Join(path, "small"), make([]byte, 1<<19), 0o600); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(path, "large"), make([]byte, 1<<20), 0o600); err == nil {
		t.Error("more than the limit could be written")
	}
	for range 2 {
		if err := m.Unmount(t.Context(), dir); err != nil {
			t.Error(err)
		}
	}
	if left, err := os.ReadDir(path); err != nil || len(left) > 0 {
		t.Errorf("after unmounting there is %v (%v)", left, err)
	}
}

func TestHostPathIsOfItsType(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		path string
		kind corev1.HostPathType
		ok   bool
	}{
		{filepath.Join(dir, "absent"), corev1.HostPathUnset, true},
		{dir, corev1.HostPathDirectory, true},
		{file, corev1.HostPathDirectory, false},
		{filepath.Join(dir, "new", "dir"), corev1.HostPathDirectoryOrCreate, true},
		{file, corev1.HostPathFile, true},
		{filepath.Join(dir, "made"), corev1.HostPathFileOrCreate, true},
		{dir, corev1.HostPathFileOrCreate, false},
		{file, corev1.HostPathSocket, false},
		{"/dev/null", corev1.HostPathCharDev, true},
		{"/dev/null", corev1.HostPathBlockDev, false},
		{filepath.Join(dir, "absent"), corev1.HostPathFile, false},
	} {
		if err := hostPath(&corev1.HostPathVolumeSource{Path: test.path, Type: &test.kind}); (err == nil) != test.ok {
			t.Errorf("%s as %q: %v", test.path, test.kind, err)
		}
	}
}

func TestEmptyDirKeepsWhatItsContainersMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "volumes", "empty")
	if err := emptyDir(osDisk{}, path, &corev1.Pod{}, &corev1.EmptyDirVolumeSource{}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o777 {
		t.Fatalf("the directory is %v (%v), want everybody to be able to write", info, err)
	}
	if err := os.Chmod(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := emptyDir(osDisk{}, path, &corev1.Pod{}, &corev1.EmptyDirVolumeSource{}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the mode that a container set became %v (%v)", info, err)
	}
}

// memory remembers what was mounted, and mounts nothing.
type memory struct {
	osDisk
	mounted string
}

func (m *memory) MountMemory(_, options string) error { m.mounted = "tmpfs " + options; return nil }
func (m *memory) MountHugePages(_, options string) error {
	m.mounted = "hugetlbfs " + options
	return nil
}

func TestEmptyDirsInMemory(t *testing.T) {
	limit := resource.MustParse("4Mi")
	group := int64(7)
	for _, test := range []struct {
		name   string
		group  *int64
		volume corev1.EmptyDirVolumeSource
		want   string
	}{
		{"memory", nil, corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory}, "tmpfs mode=0777"},
		{"memory with a limit, of a group", &group, corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory, SizeLimit: &limit}, "tmpfs mode=02777,gid=7,size=4194304"},
		{"huge pages", nil, corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumHugePages}, "hugetlbfs mode=0777,pagesize=2097152"},
		{"huge pages of a size", nil, corev1.EmptyDirVolumeSource{Medium: "HugePages-2Mi", SizeLimit: &limit}, "hugetlbfs mode=0777,size=4194304,pagesize=2097152"},
		{"huge pages that nobody requests", nil, corev1.EmptyDirVolumeSource{Medium: "HugePages-1Gi"}, ""},
		{"what there is not", nil, corev1.EmptyDirVolumeSource{Medium: "Disk"}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := &corev1.Pod{}
			pod.Spec.SecurityContext = &corev1.PodSecurityContext{FSGroup: test.group}
			pod.Spec.Containers = []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{"hugepages-2Mi": limit}}}}
			disk := &memory{}
			if err := emptyDir(disk, filepath.Join(t.TempDir(), "v"), pod, &test.volume); (err == nil) != (test.want != "") || disk.mounted != test.want {
				t.Errorf("mounted is %q (%v), want %q", disk.mounted, err, test.want)
			}
		})
	}
}
