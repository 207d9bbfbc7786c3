package env

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	upstream "k8s.io/kubernetes/pkg/kubelet/util/env"
	"k8s.io/utils/ptr"
	"pgregory.net/rapid"
)

// TestFilesMeanWhatTheyMeanUpstream compares with upstream's own function on random text.
func TestFilesMeanWhatTheyMeanUpstream(t *testing.T) {
	path := filepath.Join(t.TempDir(), "env")
	pieces := []string{"A", "B", "=", "'", " ", "\t", "\n", "#", "A='1'", "B='2'\n", "x", "\r\n"}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOf(rapid.SampledFrom(pieces)).Draw(t, "text"), "")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		want, wantErr := upstream.ParseEnv(path, "A")
		got, err := valueIn(strings.NewReader(text), "A")
		if got != want || (err == nil) != (wantErr == nil) {
			t.Fatalf("%q gives %q (%v), and upstream's %q (%v)", text, got, err, want, wantErr)
		}
	})
}

func TestVariablesComeFromFilesOfVolumes(t *testing.T) {
	files := map[string]string{"config/app.env": "# of the app\nHOST='db'\nKEY='two\nlines' # and more\nEMPTY=''\n", "config/bad.env": "HOST=db\n"}
	open := func(volume, path string) (io.ReadCloser, error) {
		text, ok := files[volume+"/"+path]
		if !ok {
			return nil, fmt.Errorf("opening %s: %w", path, fs.ErrNotExist)
		}
		return io.NopCloser(strings.NewReader(text)), nil
	}
	ref := func(path, key string, optional bool) *corev1.FileKeySelector {
		return &corev1.FileKeySelector{VolumeName: "config", Path: path, Key: key, Optional: ptr.To(optional)}
	}
	for _, test := range []struct {
		name string
		ref  *corev1.FileKeySelector
		want string // of the variables, or else of the error
	}{
		{"a key", ref("app.env", "HOST", false), "X=db"},
		{"a value of two lines", ref("app.env", "KEY", false), "X=two\nlines"},
		{"no key, where it is optional", ref("app.env", "NONE", true), ""},
		{"no key, where it is not", ref("app.env", "NONE", false), `environment variable key "NONE" not found in file "app.env" of volume "config"`},
		{"an empty value", ref("app.env", "EMPTY", false), `environment variable key "EMPTY" not found`},
		{"no file, where it is optional", ref("none.env", "HOST", true), ""},
		{"no file, where it is not", ref("none.env", "HOST", false), `reading file "none.env" of volume "config"`},
		{"a file that cannot be read, though it is optional", ref("bad.env", "HOST", true), "at line 1: value must be enclosed in single quotes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			vars, err := Compute(context.Background(), Input{
				Pod: &corev1.Pod{}, Open: open,
				Container: &corev1.Container{Env: []corev1.EnvVar{{Name: "X", ValueFrom: &corev1.EnvVarSource{FileKeyRef: test.ref}}}},
			})
			var got []string
			for _, v := range vars {
				got = append(got, v.Name+"="+v.Value)
			}
			if err != nil {
				got = []string{err.Error()}
			}
			if text := strings.Join(got, " "); !strings.Contains(text, test.want) || test.want == "" && text != "" {
				t.Errorf("got %q, want %q", text, test.want)
			}
		})
	}
}
