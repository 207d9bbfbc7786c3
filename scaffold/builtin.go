package scaffold

import (
	"errors"
	"fmt"
	"os"
	"path"
	"regexp"
	"strings"

	"github.com/orrery-dev/orrery/apis"
	"github.com/spf13/afero"
	"sigs.k8s.io/kubebuilder/v4/pkg/config"
	"sigs.k8s.io/kubebuilder/v4/pkg/config/store"
	"sigs.k8s.io/kubebuilder/v4/pkg/machinery"
	"sigs.k8s.io/kubebuilder/v4/pkg/model/resource"
)

// byHand is the page that says what no command does to Orrery itself.
const byHand = "docs/adding-a-kind.md says how it is done by hand"

// ofOrrery reports that a project is Orrery itself, which lies in another way than those that its commands make.
func ofOrrery(c config.Config) bool { return c.GetRepository() == orrery }

// refuseOrrery refuses what cannot be done to Orrery itself.
func refuseOrrery(c config.Config) error {
	if !ofOrrery(c) {
		return nil
	}
	return errors.New("this project is Orrery itself, and of all commands for projects only `orrery create api` knows how that lies: " + byHand)
}

// builtIn is a kind of Orrery's own, its loop, or both, that are added to Orrery itself as docs/adding-a-kind.md says.
type builtIn struct {
	config   config.Config
	resource *resource.Resource
	// kind and loop say what is added.
	kind, loop bool
	names      names
	force      bool
}

// builtIn is what the flags ask for.
func (s *apiSubcommand) builtIn(c config.Config, gvk resource.GVK) (*builtIn, error) {
	b := &builtIn{config: c, kind: s.on("resource"), loop: s.on("controller"), force: s.on("force")}
	if s.plain {
		return nil, errors.New("--plain: loops of Orrery itself have rooms")
	}
	if err := checkKind(gvk); err != nil {
		return nil, err
	}
	if !b.kind {
		known, err := c.GetResource(gvk)
		if err != nil {
			return nil, fmt.Errorf("%s is none of Orrery's kinds, which are in PROJECT; of a loop over a kind that the API server itself has, %s", title(gvk), byHand)
		}
		b.resource = &known
	} else if err := b.checkNew(gvk); err != nil {
		return nil, err
	} else {
		b.resource = newResource(gvk, c)
		b.resource.API = &resource.API{CRDVersion: "v1", Namespaced: s.on("namespaced")}
		b.resource.Path = path.Join(orrery, "apis", gvk.Group, gvk.Version)
	}
	if plural, given := s.given("plural"); given {
		b.resource.Plural = plural
	} else {
		b.resource.Plural = pluralOf(gvk)
	}
	name, _ := s.given("controller-name")
	b.names = builtInNames(name, b.resource)
	return b, nil
}

// checkNew refuses a kind that is there, and one of a group of Kubernetes' own.
func (b *builtIn) checkNew(gvk resource.GVK) error {
	if b.config.HasResource(gvk) {
		return fmt.Errorf("%s is there already: add only a loop by --resource=false --controller-name NAME, or choose another --kind", title(gvk))
	}
	if group := gvk.QualifiedGroup(); apis.Kubernetes.Group(group) != group {
		return fmt.Errorf("--group %s: kinds of %s are Kubernetes' own under a second name, and made of its types: %s, in \"A kind that Kubernetes has too\"", gvk.Group, group, byHand)
	}
	return nil
}

// pluralOf is the plural name of a kind: that which it has, or the regular one.
func pluralOf(gvk resource.GVK) string {
	for _, k := range apis.Kinds() {
		if name := k.GroupVersionKind(apis.Orrery); name.Group == gvk.QualifiedGroup() && name.Version == gvk.Version && name.Kind == gvk.Kind {
			return k.Resource
		}
	}
	return resource.RegularPlural(gvk.Kind)
}

// builtInNames are the names of a loop in this module.
func builtInNames(name string, res *resource.Resource) names {
	n := namesOf(name, res, false)
	n.Loop = strings.TrimSuffix(strings.ToLower(name), "-controller") + "-controller"
	if name == "" {
		n.Loop = strings.ToLower(res.Kind) + "-controller"
	}
	n.Dir = path.Join("controllers", groupWord(res.Group), path.Base(n.Dir))
	n.Kinds = "o" + groupWord(res.Group) + res.Version
	n.MarkerGroup = apis.Kubernetes.Group(res.QualifiedGroup())
	if n.MarkerGroup == "" {
		n.MarkerGroup = `""`
	}
	return n
}

// groupWord is a group as a part of names of Go.
func groupWord(group string) string { return strings.NewReplacer("-", "", ".", "").Replace(group) }

// inOrrery adds a kind or a loop to Orrery itself.
func (c *command) inOrrery(files machinery.Filesystem, project store.Store) error {
	s, is := c.sub.(*apiSubcommand)
	if !is {
		return refuseOrrery(project.Config())
	}
	b, err := s.builtIn(project.Config(), newResource(c.gvk, project.Config()).GVK)
	if err != nil {
		return err
	}
	if b.kind {
		if err := b.addKind(files); err != nil {
			return err
		}
		if err := project.Save(); err != nil {
			return fmt.Errorf("writing PROJECT: %w", err)
		}
	}
	if b.loop {
		if err := b.addLoop(files); err != nil {
			return err
		}
	}
	if !s.on("make") {
		return nil
	}
	return run("make", "generate", "manifests") // the table of kinds compiles with deep copies only, and what reads it runs for manifests
}

// addKind writes the type, and adds it to the lists of kinds.
func (b *builtIn) addKind(files machinery.Filesystem) error {
	folder := path.Join("apis", b.resource.Group, b.resource.Version)
	file := fmt.Sprintf("%s_%s_%s.yaml", b.resource.Group, b.resource.Version, strings.ToLower(b.resource.Kind))
	wanted := []machinery.Builder{
		&builtInFile{template: "api/types.go", at: path.Join(folder, strings.ToLower(b.resource.Kind)+"_types.go"), force: b.force},
		&builtInFile{template: "api/sample.yaml", at: path.Join("config", "samples", file), force: b.force},
	}
	alias, kind := b.names.Kinds, b.resource.Kind
	lines, line := regexp.MustCompile(`^\tkind\(`+alias+`\.`), "\tkind("
	if _, err := os.Stat(path.Join(folder, "doc.go")); errors.Is(err, os.ErrNotExist) {
		lines, line = regexp.MustCompile(`^\tkind\(`), "\n\tkind("
		wanted = append(wanted,
			&builtInFile{template: "api/doc.go", at: path.Join(folder, "doc.go")},
			&builtInFile{template: "api/groupversion_info.go", at: path.Join(folder, "groupversion_info.go")})
	}
	if err := b.write(files, wanted...); err != nil {
		return err
	}
	if err := b.config.UpdateResource(*b.resource); err != nil {
		return fmt.Errorf("writing the kind into PROJECT: %w", err)
	}
	scope := "Cluster"
	if b.resource.API.Namespaced {
		scope = "Namespaced"
	}
	return insertAll(files.FS,
		insertion{"apis/kinds.go", regexp.MustCompile(`^\to\w+ "` + orrery + `/apis/`), fmt.Sprintf("\t%s %q", alias, b.resource.Path), sorted},
		insertion{"apis/kinds.go", lines, line + fmt.Sprintf("%[1]s.GroupVersion, %[2]q, %[3]s, &%[1]s.%[4]s{}, &%[1]s.%[4]sList{}),", alias, b.resource.Plural, scope, kind), last},
		insertion{"config/crd/kustomization.yaml", regexp.MustCompile(`^- bases/`), fmt.Sprintf("- bases/%s_%s.yaml", b.resource.QualifiedGroup(), b.resource.Plural), sorted},
		insertion{"config/samples/kustomization.yaml", regexp.MustCompile(`^- `), "- " + file, last},
	)
}

// addLoop writes the room, and adds its loop to the table.
func (b *builtIn) addLoop(files machinery.Filesystem) error {
	var wanted []machinery.Builder
	for _, file := range []string{"doc.go", "controller.go", "looptest_test.go"} {
		wanted = append(wanted, &builtInFile{template: "room/" + file, at: path.Join(b.names.Dir, file), names: b.names, Status: b.kind, force: b.force})
	}
	shared := []string{"observe.go", "plan.go", "plan_test.go"}
	if b.kind {
		shared = append(shared, "status.go", "events.go")
	}
	for _, file := range shared {
		wanted = append(wanted, &roomFile{names: b.names, Status: b.kind, file: file, force: b.force})
	}
	if err := b.write(files, wanted...); err != nil {
		return err
	}
	const table = "controllers/controllers.go"
	room := strings.TrimPrefix(b.names.Dir, "controllers/")
	text, err := afero.ReadFile(files.FS, table)
	if err != nil {
		return fmt.Errorf("reading %s: %w", table, err)
	}
	if taken := regexp.MustCompile(`(?m)^\t"` + orrery + `/controllers/(\w+/` + b.names.Package + `)"$`).FindSubmatch(text); taken != nil {
		return fmt.Errorf("there is a room controllers/%s already, and two of one name are hard to tell apart: choose another by --controller-name", taken[1])
	}
	return insertAll(files.FS,
		insertion{table, regexp.MustCompile(`^\t"` + orrery + `/controllers/`), fmt.Sprintf("\t%q", path.Join(orrery, b.names.Dir)), sorted},
		insertion{table, regexp.MustCompile(`^\t\t\{OurKinds, `), fmt.Sprintf("\t\t{OurKinds, %q, %s.Loop()},", room, b.names.Package), sorted},
	)
}

func (b *builtIn) write(files machinery.Filesystem, wanted ...machinery.Builder) error {
	err := machinery.NewScaffold(files, machinery.WithConfig(b.config), machinery.WithResource(b.resource)).Execute(wanted...)
	if err != nil {
		return fmt.Errorf("adding %s to Orrery: %w", title(b.resource.GVK), err)
	}
	for _, file := range wanted {
		if err := joinImports(files.FS, file.GetPath()); err != nil {
			return err
		}
	}
	return nil
}

// importBlock is what a file of Go imports.
var importBlock = regexp.MustCompile(`(?s)\nimport \(\n.*?\n\)\n`)

// joinImports lets a file import in two groups, as all of this module's do: the standard library, and the rest.
func joinImports(fs afero.Fs, file string) error {
	text, err := afero.ReadFile(fs, file)
	if err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	text = importBlock.ReplaceAllFunc(text, func(block []byte) []byte {
		groups := strings.Split(string(block), "\n\n")
		if len(groups) < 3 {
			return block
		}
		return []byte(groups[0] + "\n\n" + strings.Join(groups[1:], "\n"))
	})
	return writeSorted(fs, file, text)
}

// builtInFile is one that is other here than in a project.
type builtInFile struct {
	machinery.TemplateMixin
	machinery.ResourceMixin
	names

	Status       bool
	template, at string
	force        bool
}

// SetTemplateDefaults says where the file goes and of what it is made.
func (f *builtInFile) SetTemplateDefaults() error {
	f.Path = f.at
	f.IfExistsAction = machinery.Error
	if f.force {
		f.IfExistsAction = machinery.OverwriteFile
	}
	body, err := templates.ReadFile("templates/builtin/" + f.template + ".tmpl")
	f.TemplateBody = string(body)
	return err
}
