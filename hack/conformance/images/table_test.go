package images

import (
	"archive/tar"
	"errors"
	"io"
	"testing"

	upstream "k8s.io/kubernetes/test/utils/image"
)

func TestEachImageIsMadeOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range recipes(layers{}) {
		for _, id := range r.ids {
			name := upstream.GetE2EImage(id)
			if seen[name] {
				t.Errorf("%s is made twice", name)
			}
			seen[name] = true
		}
	}
}

func TestALayerHoldsItsFiles(t *testing.T) {
	made, err := layer(directory("tmp", 0o1777), executable("bin/a", []byte("a")), link("bin/b", "a"), text("etc/empty", ""), regular("bin/s", 0o6755, nil))
	if err != nil {
		t.Fatal(err)
	}
	in, err := made.Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]tar.Header{}
	for r := tar.NewReader(in); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got[h.Name] = *h
	}
	for name, want := range map[string]tar.Header{
		"tmp/":      {Typeflag: tar.TypeDir, Mode: 0o1777},
		"bin/a":     {Typeflag: tar.TypeReg, Mode: 0o755, Size: 1},
		"bin/b":     {Typeflag: tar.TypeSymlink, Mode: 0o777, Linkname: "a"},
		"bin/s":     {Typeflag: tar.TypeReg, Mode: 0o6755},
		"etc/empty": {Typeflag: tar.TypeReg, Mode: 0o644},
	} {
		h, ok := got[name]
		if !ok || h.Typeflag != want.Typeflag || h.Mode != want.Mode || h.Size != want.Size || h.Linkname != want.Linkname {
			t.Errorf("%s is %+v, want %+v", name, h, want)
		}
	}
}
