package kubeletconfig

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"
	"sigs.k8s.io/yaml"
)

// dropIn is how the names of drop-ins end.
const dropIn = ".conf"

// Load reads a configuration file and the drop-ins below a directory; either may be "". Drop-ins are the files that end in .conf, in
// the order of their names, and each is merged over what was read before (JSON merge patch: what is no object is replaced as a whole).
// Paths in a file that are not absolute begin at its directory. What no file says is not set.
func Load(file, dropIns string) (*kubeletconfigv1beta1.KubeletConfiguration, error) {
	files, err := dropInsOf(dropIns)
	if err != nil {
		return nil, err
	}
	if file != "" {
		files = append([]string{file}, files...)
	}
	merged := []byte("{}")
	for _, name := range files {
		document, err := read(name)
		if err != nil {
			return nil, fmt.Errorf("reading the configuration of the node in %s: %w", name, err)
		}
		if merged, err = jsonpatch.MergePatch(merged, document); err != nil {
			return nil, fmt.Errorf("merging the configuration of the node in %s: %w", name, err)
		}
	}
	c := &kubeletconfigv1beta1.KubeletConfiguration{}
	if err := json.Unmarshal(merged, c); err != nil {
		return nil, fmt.Errorf("reading the merged configuration of the node: %w", err)
	}
	return c, nil
}

// dropInsOf are the drop-ins below a directory, in the order of their names.
func dropInsOf(dir string) (files []string, err error) {
	if dir == "" {
		return nil, nil
	}
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && filepath.Ext(path) == dropIn {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("looking for the configuration of the node in %s: %w", dir, err)
	}
	return files, nil
}

// read is one file as JSON, of which it is known that it is a KubeletConfiguration and has nothing that one has not.
func read(file string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if len(text) == 0 {
		return nil, errors.New("it is empty")
	}
	scheme := runtime.NewScheme()
	if err := kubeletconfigv1beta1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	if _, kind, err := decoder.Decode(text, nil, nil); err != nil {
		return nil, err
	} else if kind.Kind != "KubeletConfiguration" {
		return nil, fmt.Errorf("it is a %s, and not a KubeletConfiguration", kind.Kind)
	}
	document := map[string]any{}
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	if err := resolve(document, filepath.Dir(file)); err != nil {
		return nil, err
	}
	return json.Marshal(document)
}

// paths are the fields that name files or directories.
var paths = [][]string{
	{"staticPodPath"}, {"podLogsDir"}, {"tlsCertFile"}, {"tlsPrivateKeyFile"}, {"resolvConf"}, {"volumePluginDir"},
	{"authentication", "x509", "clientCAFile"},
}

// resolve makes the paths of a document absolute.
func resolve(document map[string]any, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	for _, path := range paths {
		if value, ok, _ := unstructured.NestedString(document, path...); ok && value != "" && !filepath.IsAbs(value) {
			if err := unstructured.SetNestedField(document, filepath.Join(dir, value), path...); err != nil {
				return err
			}
		}
	}
	return nil
}
