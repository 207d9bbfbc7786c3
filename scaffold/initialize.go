package scaffold

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/afero"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/kubebuilder/v4/pkg/config"
	"sigs.k8s.io/kubebuilder/v4/pkg/machinery"
	"sigs.k8s.io/kubebuilder/v4/pkg/plugin"
)

// initSubcommand makes a project.
type initSubcommand struct {
	parts
	config config.Config
	folder string // what the folder is called where the command was given; empty means the working directory

	// requires makes go.mod require this module; nil means as the flags say.
	requires func(afero.Fs) error

	plain   bool
	source  string
	plugins []string
	version string // of the PROJECT file
}

var (
	_ plugin.InitSubcommand  = &initSubcommand{}
	_ plugin.HasFlags        = &initSubcommand{}
	_ plugin.RequiresConfig  = &initSubcommand{}
	_ plugin.HasPreScaffold  = &initSubcommand{}
	_ plugin.HasPostScaffold = &initSubcommand{}
	_ plugin.UpdatesMetadata = &initSubcommand{}
	_ inFolder               = &initSubcommand{}
)

func (s *initSubcommand) UpdateMetadata(cli plugin.CLIMetadata, about *plugin.SubcommandMetadata) {
	s.tell(cli)
	about.Description = `Make a project for kinds of your own in this folder, which has to be empty: a Go module, a manager,
a PROJECT file, a Makefile, the kustomize tree in config, CI files and AGENTS.md.

The project is one of kubebuilder's, which goes on working in it. It requires the version of Orrery
that this program is; a program that was built from a checkout needs --orrery-source.`
	about.Examples = fmt.Sprintf(`  mkdir website && cd website
  %[1]s init --domain example.org --repo example.org/website
  %[1]s init --domain example.org --repo example.org/website --dry-run   # a diff of what would be written`, cli.CommandName)
}

func (s *initSubcommand) BindFlags(flags *pflag.FlagSet) {
	s.parts.BindFlags(flags)
	bindPlain(flags, &s.plain)
	flags.StringVar(&s.source, "orrery-source", source(),
		"`directory` of a checkout of Orrery which the project uses in place of a released version (ORRERY_SOURCE)")
	flags.StringSliceVar(&s.plugins, "plugins", []string{Key}, "plugins that write the project: "+Key+", or go/v4, which means --plain")
	flags.StringVar(&s.version, "project-version", "3", "version of the PROJECT file")
}

func bindPlain(flags *pflag.FlagSet, plain *bool) {
	flags.BoolVar(plain, "plain", false, "let controllers be kubebuilder's own: of Orrery there is only envtest in their suites")
}

func (s *initSubcommand) in(folder string) { s.folder = filepath.Base(folder) }

func (s *initSubcommand) InjectConfig(c config.Config) error {
	s.config = c
	if err := s.choose(); err != nil {
		return err
	}
	if err := s.name(); err != nil {
		return err
	}
	if err := s.parts.InjectConfig(c); err != nil {
		return err
	}
	return errors.Join(c.SetPluginChain([]string{Layout}), c.SetCliVersion(KubebuilderVersion), settings{Plain: s.plain}.keep(c))
}

// choose reads --plugins and --project-version.
func (s *initSubcommand) choose() error {
	if s.version != "3" {
		return fmt.Errorf("--project-version %s: only 3 is known; leave the flag out", s.version)
	}
	for _, key := range s.plugins {
		switch key {
		case Key, "go.orrery.dev":
		case "go/v4", Layout:
			s.plain = true
		default:
			return fmt.Errorf("--plugins %s: this plugin is not known; there are %s and go/v4. Others of kubebuilder's can be added to the project later by `kubebuilder edit --plugins %[1]s`", key, Key)
		}
	}
	return nil
}

// name checks what the project is called, and where it will be imported from.
func (s *initSubcommand) name() error {
	name, changed := s.given("project-name")
	if !changed && s.folder != "" {
		name = strings.ToLower(s.folder)
	}
	if wrong := validation.IsDNS1123Label(name); name != "" && len(wrong) > 0 {
		return fmt.Errorf("project name %q is no DNS label: %s; choose another with --project-name", name, strings.Join(wrong, ", "))
	}
	domain, _ := s.given("domain")
	if wrong := validation.IsDNS1123Subdomain(domain); len(wrong) > 0 {
		return fmt.Errorf("--domain %q is no domain: %s", domain, strings.Join(wrong, ", "))
	}
	if _, err := os.Stat("go.mod"); os.IsNotExist(err) {
		if repo, _ := s.given("repo"); repo == "" {
			return fmt.Errorf("there is no go.mod here: say what the Go module is called, as --repo %s/%s", domain, name)
		}
	}
	return s.set("project-name", name)
}

// harmless are the files and folders that a project may be made beside; those whose names begin with a dot are, too.
var harmless = []string{"go.mod", "go.sum", "LICENSE"}

func (s *initSubcommand) PreScaffold(fs machinery.Filesystem) error {
	entries, err := os.ReadDir(".")
	if err != nil {
		return fmt.Errorf("looking into the folder: %w", err)
	}
	license, _ := s.given("license-file")
	var others []string
	for _, entry := range entries {
		name := entry.Name()
		if name == "PROJECT" {
			return errors.New("there is a project here already, its PROJECT file says so: add to it by `orrery create api`, or make a new one in another folder")
		}
		hidden := strings.HasPrefix(name, ".") && name != ".github" && name != ".golangci.yml"
		if !hidden && !slices.Contains(harmless, name) && filepath.Clean(license) != name {
			others = append(others, name)
		}
	}
	if len(others) > 0 {
		return fmt.Errorf("this folder is not empty, it holds %s: make the project in a new folder, or move them away", strings.Join(others, ", "))
	}
	return s.parts.PreScaffold(fs)
}

func (s *initSubcommand) Scaffold(fs machinery.Filesystem) error {
	fetch, _ := s.given("fetch-deps")
	if err := s.set("fetch-deps", "false"); err != nil { // we do it at the end
		return err
	}
	if err := s.parts.Scaffold(fs); err != nil {
		return err
	}
	if err := s.set("fetch-deps", fetch); err != nil {
		return err
	}
	if s.requires == nil {
		s.requires = func(fs afero.Fs) error { return requireOrrery(fs, s.source) }
	}
	if err := s.requires(fs.FS); err != nil {
		return err
	}
	if err := amend(fs.FS, "Makefile", makefile); err != nil {
		return err
	}
	if s.plain {
		return nil
	}
	return machinery.NewScaffold(fs, machinery.WithConfig(s.config)).Execute(
		&page{file: "AGENTS.md"},
		&page{file: "README.md"},
	)
}

func (s *initSubcommand) PostScaffold() error {
	if !s.on("fetch-deps") {
		return nil
	}
	return tidy()
}
