package main

import (
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/spf13/afero"
	configv3 "sigs.k8s.io/kubebuilder/v4/pkg/config/v3"
	"sigs.k8s.io/kubebuilder/v4/pkg/machinery"
	"sigs.k8s.io/kubebuilder/v4/pkg/plugins/optional/helm/v2alpha/scaffolds"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// chartName is what the chart is called, and the project; names of templates begin with it.
const chartName = "orrery"

// build builds a folder of kustomize's.
func build(folder string) ([]byte, error) {
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		return nil, fmt.Errorf("building %s: %w", folder, err)
	}
	return built.AsYaml()
}

// scaffold has the plugin make a chart of manifests, in memory.
func scaffold(manifests []byte) (templates map[string]string, values string, err error) {
	project := configv3.New()
	if err := project.SetProjectName(chartName); err != nil {
		return nil, "", err
	}
	file, err := os.CreateTemp("", "manifests-*.yaml") // the plugin reads them from the disk
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = os.Remove(file.Name()) }() // a scratch file
	if _, err := file.Write(manifests); err != nil {
		return nil, "", err
	}
	if err := file.Close(); err != nil {
		return nil, "", err
	}

	memory := afero.NewMemMapFs()
	plugin := scaffolds.NewChartScaffolder(project, true, file.Name(), "")
	plugin.InjectFS(machinery.Filesystem{FS: memory})
	if err := plugin.Scaffold(); err != nil {
		return nil, "", fmt.Errorf("having kubebuilder's plugin make the chart: %w", err)
	}
	return collect(memory)
}

// scaffolded is where the plugin writes a chart.
const scaffolded = "dist/chart"

// collect reads the templates that the plugin wrote, without those that are written by hand, and its values.
func collect(memory afero.Fs) (templates map[string]string, values string, err error) {
	templates = map[string]string{}
	dir := path.Join(scaffolded, "templates")
	err = afero.Walk(memory, dir, func(file string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		content, err := afero.ReadFile(memory, file)
		templates[strings.TrimPrefix(file, dir+"/")] = string(content)
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("reading the templates of kubebuilder's plugin: %w", err)
	}
	for _, name := range byHand {
		delete(templates, name)
	}
	content, err := afero.ReadFile(memory, path.Join(scaffolded, "values.yaml"))
	return templates, string(content), err
}
