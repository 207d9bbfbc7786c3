package images

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// debianFiles reads files of the packed Debian root, by their names there. Links are followed.
func (b Builder) debianFiles(names ...string) (map[string][]byte, error) {
	links := map[string]string{}
	if err := b.walkDebian(func(h *tar.Header, _ io.Reader) error {
		if h.Typeflag == tar.TypeSymlink {
			links[h.Name] = h.Linkname
		}
		return nil
	}); err != nil {
		return nil, err
	}
	wanted, files := map[string]string{}, map[string][]byte{}
	for _, name := range names {
		wanted[follow(links, name)] = name
	}
	if err := b.walkDebian(func(h *tar.Header, r io.Reader) error {
		name, ok := wanted[h.Name]
		if !ok {
			return nil
		}
		content, err := io.ReadAll(r)
		files[name] = content
		return err
	}); err != nil {
		return nil, err
	}
	for _, name := range names {
		if files[name] == nil {
			return nil, fmt.Errorf("the Debian root %s has no %s", b.debianLayer(), name)
		}
	}
	return files, nil
}

// follow returns where a name leads, if it is a link or lies below one.
func follow(links map[string]string, name string) string {
	for range 16 {
		parts, moved := strings.Split(name, "/"), false
		for i := range parts {
			link, ok := links[strings.Join(parts[:i+1], "/")]
			if !ok {
				continue
			}
			if !path.IsAbs(link) {
				link = path.Join(strings.Join(parts[:i], "/"), link)
			}
			name, moved = strings.TrimPrefix(path.Join(link, strings.Join(parts[i+1:], "/")), "/"), true
			break
		}
		if !moved {
			return name
		}
	}
	return name
}

// walkDebian visits the entries of the packed Debian root.
func (b Builder) walkDebian(visit func(*tar.Header, io.Reader) error) error {
	in, err := os.Open(b.debianLayer())
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }() // it was only read
	unpacked, err := gzip.NewReader(in)
	if err != nil {
		return fmt.Errorf("reading %s: %w", b.debianLayer(), err)
	}
	for r := tar.NewReader(unpacked); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading %s: %w", b.debianLayer(), err)
		}
		if err := visit(header, r); err != nil {
			return err
		}
	}
}
