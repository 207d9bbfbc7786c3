package static

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	utilio "k8s.io/utils/io"
)

// maxManifest is how long a manifest may be; the kubelet's figure.
const maxManifest = 10 << 20

// urlTimeout is how long a URL has to answer; the kubelet's figure.
const urlTimeout = 10 * time.Second

// manifest is what one file says, or one pod of those at a URL.
type manifest struct {
	// key tells the manifests of a source apart.
	key string
	// pod is nil, and err says why, where it says nothing of use.
	pod *corev1.Pod
	err error
}

// readFiles reads a file, or those of a directory, in the order of their names. A path where nothing is has none.
func (l *Loop) readFiles() ([]manifest, error) {
	info, err := os.Stat(l.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case info.Mode().IsRegular():
		return []manifest{l.readFile(l.Path)}, nil
	case !info.IsDir():
		return nil, fmt.Errorf("%s is neither a directory nor a file", l.Path)
	}
	entries, err := os.ReadDir(l.Path)
	if err != nil {
		return nil, err
	}
	var found []manifest
	for _, entry := range entries {
		path := filepath.Join(l.Path, entry.Name())
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		info, err := os.Stat(path) // of what a link leads to
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			found = append(found, manifest{key: path, err: err})
		case info.Mode().IsRegular():
			found = append(found, l.readFile(path))
		default:
			l.Log.V(1).Info("Passing over what is no file among the manifests of static pods", "path", path)
		}
	}
	return unique(found), nil
}

func (l *Loop) readFile(path string) manifest {
	m := manifest{key: path}
	file, err := os.Open(path)
	if err != nil {
		m.err = err
		return m
	}
	defer func() { _ = file.Close() }() // it was only read
	text, err := utilio.ReadAtMost(file, maxManifest)
	if err != nil {
		m.err = fmt.Errorf("reading %s: %w", path, err)
		return m
	}
	pods, err := origin{FileSource, path, l.Node, l.Complete}.pods(text)
	if err != nil {
		m.err = fmt.Errorf("reading the static pod of %s: %w", path, err)
		return m
	}
	m.pod = pods[0]
	return m
}

// readURL reads what is served at the URL.
func (l *Loop) readURL(ctx context.Context) ([]manifest, error) {
	ctx, cancel := context.WithTimeout(ctx, urlTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, l.URL, nil)
	if err != nil {
		return nil, err
	}
	if l.Header != nil {
		request.Header = http.Header(l.Header).Clone()
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	text, err := utilio.ReadAtMost(response.Body, maxManifest)
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading %s: %w", l.URL, err)
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("reading %s: %s", l.URL, response.Status)
	case len(text) == 0: // whoever has no pods says nothing
		return nil, nil
	}
	pods, err := origin{HTTPSource, l.URL, l.Node, l.Complete}.pods(text)
	if err != nil {
		return nil, fmt.Errorf("reading the static pods of %s: %w", l.URL, err)
	}
	var found []manifest
	for _, pod := range pods {
		found = append(found, manifest{key: nameOf(pod), pod: pod})
	}
	return unique(found), nil
}

// unique refuses each manifest of which there is one with the same name of the pod before it.
func unique(found []manifest) []manifest {
	first := map[string]string{}
	for i := range found {
		m := &found[i]
		if m.pod == nil {
			continue
		}
		name := nameOf(m.pod)
		if other, taken := first[name]; taken {
			m.err = fmt.Errorf("pod %s of %s: there is one of that name in %s", name, m.key, other)
			m.pod = nil
			continue
		}
		first[name] = m.key
	}
	slices.SortStableFunc(found, func(a, b manifest) int { return cmp.Compare(a.key, b.key) })
	return found
}

func nameOf(pod *corev1.Pod) string { return pod.Namespace + "/" + pod.Name }
