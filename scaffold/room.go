package scaffold

import (
	"embed"
	"fmt"
	"go/token"
	"path"
	"strings"

	"github.com/spf13/afero"
	"sigs.k8s.io/kubebuilder/v4/pkg/config"
	"sigs.k8s.io/kubebuilder/v4/pkg/machinery"
	"sigs.k8s.io/kubebuilder/v4/pkg/model/resource"
)

//go:embed templates
var templates embed.FS

// room is the package of one loop.
type room struct {
	// Name is what --controller-name says; empty means the kind.
	Name string
	// Status is whether the loop writes the status of the kind: it does where the kind comes with it.
	Status bool
	// Force is whether files that are there are written anew.
	Force bool
}

// files are those of a room, and of them those that are about the status.
var (
	files        = []string{"doc.go", "controller.go", "observe.go", "plan.go", "plan_test.go", "looptest_test.go"}
	statusFiles  = []string{"status.go", "events.go", "suite_test.go"}
	boilerplates = path.Join("hack", "boilerplate.go.txt")
)

// write writes the room, and adds its loop to the manager.
func (r *room) write(fs machinery.Filesystem, c config.Config, res *resource.Resource) error {
	boilerplate, err := afero.ReadFile(fs.FS, boilerplates)
	if exists, _ := afero.Exists(fs.FS, boilerplates); err != nil && exists { // a project without a licence has none
		return fmt.Errorf("reading %s: %w", boilerplates, err)
	}
	names := namesOf(r.Name, res, c.IsMultiGroup())
	wanted := files
	if r.Status {
		wanted = append(append([]string{}, files...), statusFiles...)
	}
	var builders []machinery.Builder
	for _, file := range wanted {
		builders = append(builders, &roomFile{names: names, Status: r.Status, file: file, force: r.Force})
	}
	builders = append(builders, &wiring{names: names})
	err = machinery.NewScaffold(fs,
		machinery.WithConfig(c), machinery.WithBoilerplate(string(boilerplate)), machinery.WithResource(res),
	).Execute(builders...)
	if err != nil {
		return fmt.Errorf("writing the room %s: %w", names.Dir, err)
	}
	return nil
}

// names are what a loop is called in the several places.
type names struct {
	// Loop is its name in metrics, logs and events, and as a field manager.
	Loop string
	// Package is its package, in the folder Dir.
	Package, Dir string
	// Alias is its package in cmd/main.go, where any other name may be taken.
	Alias string
	// Kinds is the package of the kind, as the room imports it.
	Kinds string
	// MarkerGroup is the group of the kind as RBAC markers of this module name it.
	MarkerGroup string
	// Top is the way from Dir to the top of the project, as arguments of filepath.Join.
	Top string
}

func namesOf(name string, res *resource.Resource, multigroup bool) names {
	if name == "" {
		name = strings.ToLower(res.Kind)
	}
	pkg := strings.ReplaceAll(name, "-", "")
	n := names{
		Loop:    strings.TrimSuffix(name, "-controller") + "-controller",
		Package: pkg,
		Dir:     path.Join("internal", "controller", pkg),
		Alias:   strings.TrimSuffix(pkg, "controller") + "controller",
		Kinds:   res.ImportAlias(),
	}
	if token.IsKeyword(pkg) {
		n.Package += "controller"
	}
	if multigroup && res.Group != "" {
		group := strings.NewReplacer("-", "", ".", "").Replace(res.Group)
		n.Loop = res.Group + "-" + n.Loop
		n.Dir = path.Join("internal", "controller", res.Group, pkg)
		n.Alias = group + n.Alias
	}
	n.Top = strings.TrimSuffix(strings.Repeat(`"..", `, strings.Count(n.Dir, "/")+1), ", ")
	return n
}

// roomFile is one file of a room.
type roomFile struct {
	machinery.TemplateMixin
	machinery.BoilerplateMixin
	machinery.ResourceMixin
	machinery.NamespacedMixin
	machinery.ProjectNameMixin
	names

	Status bool
	file   string
	force  bool
}

// SetTemplateDefaults says where the file goes and of what it is made.
func (f *roomFile) SetTemplateDefaults() error {
	f.Path = path.Join(f.Dir, f.file)
	f.IfExistsAction = machinery.Error
	if f.force {
		f.IfExistsAction = machinery.OverwriteFile
	}
	body, err := templates.ReadFile("templates/room/" + f.file + ".tmpl")
	f.TemplateBody = string(body)
	return err
}

// Markers are the ends of RBAC markers: in a project for some namespaces, the right is one in the manager's.
func (f *roomFile) Markers() string {
	if f.Namespaced {
		return ",namespace=" + f.ProjectName + "-system"
	}
	return ""
}

// Namespaces is whether objects of the kind are in namespaces.
func (f *roomFile) Namespaces() bool { return !f.Status || f.Resource.API.Namespaced }

// wiring adds a loop to the manager in cmd/main.go.
type wiring struct {
	machinery.RepositoryMixin
	names
}

const mainFile = "cmd/main.go"

// GetPath is the file of the manager.
func (*wiring) GetPath() string { return mainFile }

// GetIfExistsAction is that the file is changed.
func (*wiring) GetIfExistsAction() machinery.IfExistsAction { return machinery.OverwriteFile }

// GetMarkers are the places that are added to.
func (*wiring) GetMarkers() []machinery.Marker {
	return []machinery.Marker{machinery.NewMarkerFor(mainFile, "imports"), machinery.NewMarkerFor(mainFile, "builder")}
}

// GetCodeFragments are what is added.
func (w *wiring) GetCodeFragments() machinery.CodeFragmentsMap {
	return machinery.CodeFragmentsMap{
		machinery.NewMarkerFor(mainFile, "imports"): {
			"\"github.com/orrery-dev/orrery/framework/loop\"\n",
			fmt.Sprintf("%s %q\n", w.Alias, w.Repo+"/"+w.Dir),
		},
		machinery.NewMarkerFor(mainFile, "builder"): {fmt.Sprintf(`if err := %s.Loop().AddTo(mgr, loop.Options{}); err != nil {
	setupLog.Error(err, "Failed to add loop", "loop", %q)
	os.Exit(1)
}
`, w.Alias, w.Loop)},
	}
}

// page is a page of text of the project.
type page struct {
	machinery.TemplateMixin
	machinery.ProjectNameMixin
	machinery.DomainMixin
	machinery.RepositoryMixin
	file string
}

// SetTemplateDefaults says where the page goes and of what it is made.
func (p *page) SetTemplateDefaults() error {
	p.Path = p.file
	p.IfExistsAction = machinery.OverwriteFile
	body, err := templates.ReadFile("templates/" + p.file + ".tmpl")
	p.TemplateBody = string(body)
	return err
}
