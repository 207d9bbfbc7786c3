package scaffold

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/spf13/afero"
	"github.com/spf13/pflag"
	"sigs.k8s.io/kubebuilder/v4/pkg/config"
	"sigs.k8s.io/kubebuilder/v4/pkg/machinery"
	"sigs.k8s.io/kubebuilder/v4/pkg/model/resource"
	"sigs.k8s.io/kubebuilder/v4/pkg/plugin"
)

// apiSubcommand adds a kind, its loop, or both.
type apiSubcommand struct {
	parts
	config   config.Config
	resource *resource.Resource

	plain bool
	room  *room // nil where there is none to write
}

var (
	_ plugin.CreateAPISubcommand = &apiSubcommand{}
	_ plugin.HasFlags            = &apiSubcommand{}
	_ plugin.RequiresConfig      = &apiSubcommand{}
	_ plugin.HasPreScaffold      = &apiSubcommand{}
	_ plugin.HasPostScaffold     = &apiSubcommand{}
	_ plugin.UpdatesMetadata     = &apiSubcommand{}
)

func (s *apiSubcommand) UpdateMetadata(cli plugin.CLIMetadata, about *plugin.SubcommandMetadata) {
	s.tell(cli)
	about.Description = `Add a kind to the project: its type in api, a room for its loop in internal/controller with tests, roles and
a sample in config, and both in cmd/main.go. Then write its deep copies and its definition.

With --plain the loop is a reconciler as kubebuilder scaffolds it. With --resource=false there is a loop only,
for a kind that is there already, or that Kubernetes or another module has.`
	about.Examples = fmt.Sprintf(`  %[1]s create api --group web --version v1 --kind Website
  %[1]s create api --group web --version v1 --kind Website --dry-run              # a diff of what would be written
  %[1]s create api --group apps --version v1 --kind Deployment --resource=false   # a loop over a kind of Kubernetes'`, cli.CommandName)
}

func (s *apiSubcommand) BindFlags(flags *pflag.FlagSet) {
	s.parts.BindFlags(flags)
	bindPlain(flags, &s.plain)
	for name, usage := range map[string]string{
		"resource":   "add the kind itself",
		"controller": "add a loop for it",
		"make":       "run go mod tidy and make manifests generate at the end",
	} {
		flags.Lookup(name).Usage = usage
	}
}

func (s *apiSubcommand) InjectConfig(c config.Config) error {
	s.config = c
	if err := checkLayout(c); err != nil {
		return err
	}
	known, err := settingsOf(c)
	if err != nil {
		return err
	}
	if !s.flags.Changed("plain") {
		s.plain = known.Plain
	}
	return s.parts.InjectConfig(c)
}

func (s *apiSubcommand) InjectResource(res *resource.Resource) error {
	s.resource = res
	resource, controller := s.on("resource"), s.on("controller")
	if err := checkKind(res.GVK); err != nil {
		return err
	}
	if err := s.checkNew(res, resource); err != nil {
		return err
	}
	if controller && !s.plain {
		name, _ := s.given("controller-name")
		s.room = &room{Name: name, Status: resource}
		controller = false
		if err := s.set("controller-name", ""); err != nil {
			return err
		}
	}
	// A flag that was not given would be asked for.
	if err := errors.Join(s.set("resource", fmt.Sprint(resource)), s.set("controller", fmt.Sprint(controller))); err != nil {
		return err
	}
	return s.parts.InjectResource(res)
}

// checkNew refuses a kind that is there already, and a second group where there is room for one only.
func (s *apiSubcommand) checkNew(res *resource.Resource, wanted bool) error {
	if !wanted || s.on("force") {
		return nil
	}
	if there, err := s.config.GetResource(res.GVK); err == nil && there.HasAPI() {
		return fmt.Errorf("%s is there already: choose another --kind or --version, add only a loop by --resource=false, or write its files anew by --force", title(res.GVK))
	}
	if !s.config.IsMultiGroup() && s.config.ResourcesLength() > 0 && !s.config.HasGroup(res.Group) {
		return fmt.Errorf("group %q is a second one, and the project has the folders of one: run `orrery edit --multigroup` first, and move api/VERSION to api/GROUP/VERSION", res.Group)
	}
	return nil
}

func (s *apiSubcommand) Scaffold(fs machinery.Filesystem) error {
	if err := s.parts.Scaffold(fs); err != nil {
		return err
	}
	if err := requireOrrery(fs.FS, source()); err != nil {
		return err
	}
	if s.resource.HasAPI() {
		if err := s.amendSample(fs); err != nil {
			return err
		}
	}
	if s.room != nil {
		return s.writeRoom(fs)
	}
	if !s.resource.HasController() {
		return nil
	}
	return amendSuite(fs.FS, path.Join("internal", "controller", s.groupFolder(), "suite_test.go"))
}

// amendSample amends a new sample; one that a person has filled in stays.
func (s *apiSubcommand) amendSample(fs machinery.Filesystem) error {
	name := fmt.Sprintf("%s_%s_%s.yaml", s.resource.Group, s.resource.Version, strings.ToLower(s.resource.Kind))
	file := path.Join("config", "samples", strings.TrimPrefix(name, "_")) // a group may have no name
	text, err := afero.ReadFile(fs.FS, file)
	if err != nil {
		return fmt.Errorf("reading %s: %w", file, err)
	}
	if !sample[0].pattern.Match(text) {
		return nil
	}
	return amend(fs.FS, file, sample)
}

// groupFolder is the folder of the kind's group, where groups have folders.
func (s *apiSubcommand) groupFolder() string {
	if s.config.IsMultiGroup() {
		return s.resource.Group
	}
	return ""
}

func (s *apiSubcommand) writeRoom(fs machinery.Filesystem) error {
	if err := s.record(); err != nil {
		return err
	}
	if err := s.config.UpdateResource(*s.resource); err != nil {
		return fmt.Errorf("writing the loop into PROJECT: %w", err)
	}
	s.room.Force = s.on("force")
	return s.room.write(fs, s.config, s.resource)
}

// record says in PROJECT that the kind has a loop, as kubebuilder does.
func (s *apiSubcommand) record() error {
	if s.room.Name == "" {
		s.resource.Controller = true
		return nil
	}
	if s.resource.Controllers == nil {
		s.resource.Controllers = &resource.Controllers{}
	}
	return s.resource.Controllers.AddController(s.room.Name)
}

func (s *apiSubcommand) PostScaffold() error {
	if s.resource.IsExternal() && s.resource.Module != "" {
		if err := run("go", "get", s.resource.Module); err != nil {
			return err
		}
	}
	if !s.on("make") {
		return nil
	}
	return generate()
}
