package images

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// program is an image of a file that could be a program.
func program(t *testing.T) Program {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "hello")
	if err := os.WriteFile(binary, []byte("\x7fELF, say"), 0o755); err != nil {
		t.Fatal(err)
	}
	return Program{Reference: "example.org/hello:1", Binary: binary, Path: "/bin/hello", Architecture: "arm64", Ports: []string{"80/tcp"}, User: "7:7"}
}

func image(t *testing.T, p Program) v1.Image {
	t.Helper()
	made, err := p.Image()
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// oci is what an OCI image is made of: its manifest, its configuration, its layers.
var oci = []types.MediaType{types.OCIManifestSchema1, types.OCIConfigJSON, types.OCILayer}

func TestImageRunsItsProgram(t *testing.T) {
	made := image(t, program(t))
	file, err := made.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	want := v1.Config{
		Entrypoint: []string{"/bin/hello"}, User: "7:7", WorkingDir: "/", Env: []string{"PATH=/:/bin:/usr/bin"},
		ExposedPorts: map[string]struct{}{"80/tcp": {}},
	}
	if diff := cmp.Diff(want, file.Config); diff != "" || file.OS != "linux" || file.Architecture != "arm64" {
		t.Errorf("it is for %s/%s, and its configuration differs:\n%s", file.OS, file.Architecture, diff)
	}

	manifest, err := made.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	if got := []types.MediaType{manifest.MediaType, manifest.Config.MediaType, manifest.Layers[0].MediaType}; !slices.Equal(got, oci) {
		t.Errorf("it is made of %v, want %v", got, oci)
	}

	layers, err := made.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("it has %d layers (%v), want 1", len(layers), err)
	}
	files, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	modes := map[string]fs.FileMode{}
	for r := tar.NewReader(files); ; {
		header, err := r.Next()
		if err != nil {
			break
		}
		modes[header.Name] = header.FileInfo().Mode()
	}
	if modes["bin/hello"] != 0o755 || modes["tmp/"] != fs.ModeDir|fs.ModeSticky|0o777 {
		t.Errorf("files are %v, want the program executable and /tmp for all", modes)
	}
}

func TestTheSameProgramGivesTheSameArchive(t *testing.T) {
	p, dir := program(t), t.TempDir()
	var archives [2][]byte
	for i := range archives {
		file := filepath.Join(dir, "image.tar")
		if err := WriteArchive(file, p.Reference, image(t, p)); err != nil {
			t.Fatal(err)
		}
		written, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		archives[i] = written
	}
	if !bytes.Equal(archives[0], archives[1]) {
		t.Error("two archives of one program differ")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("the directory holds %v (%v), want the archive alone", left, err)
	}
}

func TestAnImageTrustsTheRootsThatItIsGiven(t *testing.T) {
	p := program(t)
	p.Roots = []byte("a certificate, say")
	if got := contents(t, image(t, p))["etc/ssl/certs/ca-certificates.crt"]; got != string(p.Roots) {
		t.Errorf("the image has the roots %q, want %q", got, p.Roots)
	}
}

// Docker reads manifest.json and follows what it names.
func TestAnArchiveIsWhatDockerLoads(t *testing.T) {
	p, file := program(t), filepath.Join(t.TempDir(), "image.tar")
	made := image(t, p)
	if err := WriteArchive(file, p.Reference, made); err != nil {
		t.Fatal(err)
	}
	loaded, err := tarball.ImageFromPath(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(loaded); err != nil {
		t.Error(err)
	}
	want, err := made.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := loaded.ConfigName(); err != nil || got != want {
		t.Errorf("docker loads the image %s (%v), want %s", got, err, want)
	}
}

func TestANameOnDockerHubIsWrittenAsContainerRuntimesHaveIt(t *testing.T) {
	p, file := program(t), filepath.Join(t.TempDir(), "image.tar")
	if err := WriteArchive(file, "docker.io/library/web:1", image(t, p)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"index.json", dockerManifest} {
		if text := member(t, file, name); !strings.Contains(text, `"docker.io/library/web:1"`) {
			t.Errorf("%s does not name it: %s", name, text)
		}
	}
}

// member is what a file of an archive holds.
func member(t *testing.T, archive, name string) string {
	t.Helper()
	in, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }() // it was only read
	text, ok := members(t, in)[name]
	if !ok {
		t.Fatalf("%s has no %s", archive, name)
	}
	return text
}

// contents are the files of an image's layer.
func contents(t *testing.T, made v1.Image) map[string]string {
	t.Helper()
	layers, err := made.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("it has %d layers (%v), want 1", len(layers), err)
	}
	layer, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	return members(t, layer)
}

// members are what the files of a tar hold.
func members(t *testing.T, in io.Reader) map[string]string {
	t.Helper()
	all := map[string]string{}
	for r := tar.NewReader(in); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all[header.Name] = string(text)
	}
}

func TestNames(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, files map[string]string) string {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for file, contents := range files {
			if err := writeEntry(w, file, 0o644, []byte(contents)); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ours := filepath.Join(dir, "ours.tar")
	p := program(t)
	if err := WriteArchive(ours, p.Reference, image(t, p)); err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("this is no archive\n", 100)), 0o644); err != nil {
		t.Fatal(err)
	}

	for _, c := range []struct {
		name, file string
		want       []string
		says       string // in the error
	}{
		{"of our own archive", ours, []string{"example.org/hello:1"}, ""},
		{"of docker save, made full", write("docker", map[string]string{"manifest.json": `[{"RepoTags":["web:1","you/app:2"]}]`}), []string{"docker.io/library/web:1", "docker.io/you/app:2"}, ""},
		{"of both, where docker's are complete", write("both", map[string]string{"manifest.json": `[{"RepoTags":["web:1"]}]`, "index.json": `{"schemaVersion":2}`}), []string{"docker.io/library/web:1"}, ""},
		{"of an image that has none", write("unnamed", map[string]string{"index.json": `{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":1,"digest":"sha256:03da3c3cd3cb89d4a8b9d597a5c6bf85837d141e0786a9432d712d80c7cb5760"}]}`}), nil, ""},
		{"of a tar without an image", write("other", map[string]string{"README": "hello"}), nil, "no image in it"},
		{"of a damaged index", write("damaged", map[string]string{"index.json": `{"schema`}), nil, "index.json"},
		{"of a text", text, nil, "not a tar archive"},
		{"of nothing", filepath.Join(dir, "missing"), nil, "no such file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Names(c.file)
			if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
				t.Fatalf("the error is %v, want %q in it", err, c.says)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWriteArchiveRefusesANameWithoutTag(t *testing.T) {
	p := program(t)
	file := filepath.Join(t.TempDir(), "image.tar")
	if err := WriteArchive(file, "hello", image(t, p)); err == nil {
		t.Error("there is no error")
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("it wrote an archive all the same")
	}
}
