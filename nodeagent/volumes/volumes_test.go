package volumes

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	testingclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"

	"github.com/orrery-dev/orrery/nodeagent/objects"
)

var now = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// tree lists the files that a reader of a volume sees, with mode and content.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), "..") {
			continue
		}
		real, err := filepath.EvalSymlinks(filepath.Join(dir, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		err = filepath.WalkDir(real, func(path string, file os.DirEntry, err error) error {
			if err != nil || file.IsDir() {
				return err
			}
			info, err := file.Info()
			if err != nil {
				return err
			}
			content, err := os.ReadFile(path)
			inside, _ := filepath.Rel(real, path)
			found = append(found, fmt.Sprintf("%s %o %s", filepath.Join(entry.Name(), inside), info.Mode().Perm(), content))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(found)
	return found
}

func TestWriteChangesAVolumeAsAWhole(t *testing.T) {
	dir := t.TempDir()
	for _, step := range []struct {
		name  string
		files map[string]File
		want  []string
	}{
		{"at first", map[string]File{"a": {Data: []byte("1"), Mode: 0o644}, "deep/b": {Data: []byte("2"), Mode: 0o400}}, []string{"a 644 1", "deep/b 400 2"}},
		{"with another content", map[string]File{"a": {Data: []byte("3"), Mode: 0o644}, "c": {Data: []byte("4"), Mode: 0o640}}, []string{"a 644 3", "c 640 4"}},
		{"emptied", map[string]File{}, nil},
	} {
		if err := (atomicWriter{osDisk{}}).Write(dir, step.files, nil, now); err != nil {
			t.Fatal(err)
		}
		if got := tree(t, dir); !slices.Equal(got, step.want) {
			t.Errorf("%s the volume has %q, want %q", step.name, got, step.want)
		}
		if left, err := filepath.Glob(filepath.Join(dir, "..2*")); err != nil || len(left) != 1 {
			t.Errorf("%s these contents are there: %v (%v)", step.name, left, err)
		}
	}
}

func TestWriteChangesOnlyWhatIsNotAsItShouldBe(t *testing.T) {
	files := map[string]File{"a": {Data: []byte("1"), Mode: 0o644}, "b": {Data: []byte("2"), Mode: 0o644}}
	for _, test := range []struct {
		name   string
		change func(dir string) error
		moves  bool
	}{
		{"nothing has changed", func(string) error { return nil }, false},
		{"a file has another content", func(dir string) error { return os.WriteFile(filepath.Join(dir, "a"), nil, 0o600) }, true},
		{"a file has another mode", func(dir string) error { return os.Chmod(filepath.Join(dir, "a"), 0o600) }, true},
		{"a file is gone", func(dir string) error { return os.Remove(filepath.Join(dir, dataDir, "a")) }, true},
		{"there is one file more", func(dir string) error { return os.WriteFile(filepath.Join(dir, dataDir, "c"), nil, 0o600) }, true},
		{"the content is gone", func(dir string) error {
			live, err := os.Readlink(filepath.Join(dir, dataDir))
			return errors.Join(err, os.RemoveAll(filepath.Join(dir, live)))
		}, true},
		{"a name is gone", func(dir string) error { return os.Remove(filepath.Join(dir, "a")) }, false},
		{"a name leads elsewhere", func(dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, "a")), os.Symlink(filepath.Join(dataDir, "b"), filepath.Join(dir, "a")))
		}, false},
		{"a directory has the place of a name", func(dir string) error {
			return errors.Join(os.Remove(filepath.Join(dir, "a")), os.MkdirAll(filepath.Join(dir, "a", "deep"), 0o700))
		}, false},
		{"there is one name more", func(dir string) error { return os.Symlink(filepath.Join(dataDir, "b"), filepath.Join(dir, "c")) }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir, writer := t.TempDir(), atomicWriter{osDisk{}}
			var links []string
			for range 2 {
				if err := writer.Write(dir, files, nil, now); err != nil {
					t.Fatal(err)
				}
				link, err := os.Readlink(filepath.Join(dir, dataDir))
				if err != nil {
					t.Fatal(err)
				}
				if links = append(links, link); len(links) == 1 {
					if err := test.change(dir); err != nil {
						t.Fatal(err)
					}
				}
			}
			if moved := links[0] != links[1]; moved != test.moves {
				t.Errorf("the content moved from %s to %s, want it to move: %t", links[0], links[1], test.moves)
			}
			if got, want := tree(t, dir), []string{"a 644 1", "b 644 2"}; !slices.Equal(got, want) {
				t.Errorf("the volume has %q, want %q", got, want)
			}
		})
	}
}

// TestReadersNeverSeeAMixture reads two files of a volume through one directory, again and again, while it changes.
func TestReadersNeverSeeAMixture(t *testing.T) {
	dir := t.TempDir()
	write := func(i int) {
		value := []byte(fmt.Sprint(i))
		if err := (atomicWriter{osDisk{}}).Write(dir, map[string]File{"a": {Data: value, Mode: 0o644}, "b": {Data: value, Mode: 0o644}}, nil, now); err != nil {
			t.Error(err)
		}
	}
	write(0)
	var group sync.WaitGroup
	done := make(chan struct{})
	group.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			content, err := filepath.EvalSymlinks(filepath.Join(dir, dataDir))
			if errors.Is(err, fs.ErrNotExist) {
				continue // what the link led to has been replaced since: a reader looks again
			}
			if err != nil {
				t.Error(err)
				return
			}
			a, errA := os.ReadFile(filepath.Join(content, "a"))
			b, errB := os.ReadFile(filepath.Join(content, "b"))
			if errA == nil && errB == nil && string(a) != string(b) {
				t.Errorf("a reader saw %s beside %s", a, b)
				return
			}
		}
	})
	for i := range 200 {
		write(i)
	}
	close(done)
	group.Wait()
}

func TestWriteRefusesPathsOutsideTheVolume(t *testing.T) {
	for _, path := range []string{"../a", "/a", "..data", "a/../../b"} {
		if err := (atomicWriter{osDisk{}}).Write(t.TempDir(), map[string]File{path: {}}, nil, now); err == nil {
			t.Errorf("%q was written", path)
		}
	}
}

// source has what the test puts into it.
type source struct {
	configMaps map[string]*corev1.ConfigMap
	secrets    map[string]*corev1.Secret
}

func (s source) ConfigMap(_ context.Context, _, name string) (*corev1.ConfigMap, error) {
	if found := s.configMaps[name]; found != nil {
		return found, nil
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "configmaps"}, name)
}

func (s source) Secret(_ context.Context, _, name string) (*corev1.Secret, error) {
	if found := s.secrets[name]; found != nil {
		return found, nil
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, name)
}

// issuer numbers the tokens that it gives out, until it fails.
type issuer struct {
	clock *testingclock.FakeClock
	count int
	fails bool
}

func (i *issuer) Request(_ context.Context, _ *corev1.Pod, _ string, expiration time.Duration) (objects.Token, error) {
	if i.fails {
		return objects.Token{}, errors.New("away")
	}
	i.count++
	return objects.Token{Value: fmt.Sprintf("token-%d", i.count), Expires: i.clock.Now().Add(expiration)}, nil
}

func TestContent(t *testing.T) {
	data := source{
		configMaps: map[string]*corev1.ConfigMap{"c": {Data: map[string]string{"k": "v", "l": "w"}, BinaryData: map[string][]byte{"bin": {1}}}},
		secrets:    map[string]*corev1.Secret{"s": {Data: map[string][]byte{"word": []byte("sesame")}}},
	}
	m := New(Options{Source: data, Tokens: &issuer{clock: testingclock.NewFakeClock(now)}, Clock: testingclock.NewFakeClock(now)})
	named := func(name string) corev1.LocalObjectReference { return corev1.LocalObjectReference{Name: name} }
	for _, test := range []struct {
		name   string
		volume corev1.VolumeSource
		want   string
	}{
		{"all keys of a ConfigMap", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: named("c")}},
			"bin 644 \x01, k 644 v, l 644 w"},
		{"the items, at their paths and with their modes", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
			LocalObjectReference: named("c"), DefaultMode: ptr.To[int32](0o600),
			Items: []corev1.KeyToPath{{Key: "k", Path: "x/y"}, {Key: "l", Path: "z", Mode: ptr.To[int32](0o400)}},
		}}, "x/y 600 v, z 400 w"},
		{"an item that is not there", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: named("c"), Items: []corev1.KeyToPath{{Key: "no", Path: "x"}}}},
			"error: configmap references non-existent configmap key: no"},
		{"an optional item that is not there", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
			LocalObjectReference: named("c"), Optional: ptr.To(true), Items: []corev1.KeyToPath{{Key: "no", Path: "x"}},
		}}, ""},
		{"a ConfigMap that is not there", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: named("d")}},
			`error: configmaps "d" not found`},
		{"an optional Secret that is not there", corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "d", Optional: ptr.To(true)}}, ""},
		{"fields of the pod", corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{Items: []corev1.DownwardAPIVolumeFile{
			{Path: "name", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}},
			{Path: "tier", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.labels['tier']"}},
		}}}, "name 644 web, tier 644 front"},
		{"a projection of several", corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{DefaultMode: ptr.To[int32](0o440), Sources: []corev1.VolumeProjection{
			{Secret: &corev1.SecretProjection{LocalObjectReference: named("s")}},
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token"}},
		}}}, "token 440 token-1, word 440 sesame"},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web", Labels: map[string]string{"tier": "front"}}}
			files, err := m.content(t.Context(), pod, &corev1.Volume{Name: "v", VolumeSource: test.volume})
			var lines []string
			for path, file := range files {
				lines = append(lines, fmt.Sprintf("%s %o %s", path, file.Mode, file.Data))
			}
			slices.Sort(lines)
			got := strings.Join(lines, ", ")
			if err != nil {
				got = "error: " + err.Error()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestTokensAreRenewedInTime(t *testing.T) {
	clock := testingclock.NewFakeClock(now)
	from := &issuer{clock: clock}
	m := New(Options{Tokens: from, Clock: clock})
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: "pod"}}
	for _, step := range []struct {
		after time.Duration
		fails bool
		want  string
	}{
		{0, false, "token-1"},
		{47 * time.Minute, false, "token-1"},
		{2 * time.Minute, true, "token-1"}, // due, but the server is away, and the token still good
		{time.Minute, false, "token-2"},
		{50 * time.Minute, false, "token-3"},
		{61 * time.Minute, true, ""},
	} {
		clock.Step(step.after)
		from.fails = step.fails
		got, err := m.issue(t.Context(), pod, "", time.Hour)
		if got != step.want || (err != nil) != (step.want == "") {
			t.Errorf("after %s more the token is %q (%v), want %q", step.after, got, err, step.want)
		}
	}
	m.tokens.forget("/root/pods/pod")
	if len(m.tokens.kept) != 0 {
		t.Errorf("tokens are kept for a pod that is gone: %v", m.tokens.kept)
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
	if err := emptyDir(osDisk{}, path, &corev1.EmptyDirVolumeSource{}, nil); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o777 {
		t.Fatalf("the directory is %v (%v), want everybody to be able to write", info, err)
	}
	if err := os.Chmod(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := emptyDir(osDisk{}, path, &corev1.EmptyDirVolumeSource{}, nil); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the mode that a container set became %v (%v)", info, err)
	}
}
