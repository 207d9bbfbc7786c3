package scaffold

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/afero"
	"github.com/spf13/pflag"
	"sigs.k8s.io/kubebuilder/v4/pkg/config"
	"sigs.k8s.io/kubebuilder/v4/pkg/config/store"
	yamlstore "sigs.k8s.io/kubebuilder/v4/pkg/config/store/yaml"
	cfgv3 "sigs.k8s.io/kubebuilder/v4/pkg/config/v3"
	"sigs.k8s.io/kubebuilder/v4/pkg/machinery"
	"sigs.k8s.io/kubebuilder/v4/pkg/model/resource"
	"sigs.k8s.io/kubebuilder/v4/pkg/plugin"
)

// Command is one thing to do to a project.
type Command interface {
	// BindFlags declares its flags.
	BindFlags(flags *pflag.FlagSet)
	// About is what help says of it, with examples that begin with "orrery ".
	About() (description, examples string)
	// do works on the project in the working directory, which is a copy of folder. Notes are for a person to read.
	do(folder string) (notes []string, err error)
}

// Init makes a project.
func Init() Command { return &command{sub: Plugin{}.GetInitSubcommand(), makes: true} }

// CreateAPI adds a kind, its loop, or both.
func CreateAPI() Command { return &command{sub: Plugin{}.GetCreateAPISubcommand()} }

// CreateWebhook adds webhooks for a kind.
func CreateWebhook() Command { return &command{sub: Plugin{}.GetCreateWebhookSubcommand()} }

// Edit changes the settings of a project.
func Edit() Command { return &command{sub: Plugin{}.GetEditSubcommand()} }

// command is a subcommand of a plugin of kubebuilder's, run as its CLI would run it.
type command struct {
	sub   plugin.Subcommand
	gvk   resource.GVK
	makes bool // a project, and does not need one
}

// inFolder is a subcommand which has to know what the folder is called that a person sees.
type inFolder interface{ in(folder string) }

func (c *command) BindFlags(flags *pflag.FlagSet) {
	c.About() // by this the plugins learn what the program is called, which stands in pages that they write
	if _, does := c.sub.(plugin.RequiresResource); does {
		bindKind(flags, &c.gvk)
	}
	if has, does := c.sub.(plugin.HasFlags); does {
		has.BindFlags(flags)
	}
}

func bindKind(flags *pflag.FlagSet, gvk *resource.GVK) {
	flags.StringVar(&gvk.Group, "group", "", "API `group` of the kind, without the domain")
	flags.StringVar(&gvk.Version, "version", "", "`version` of the group, as v1 or v1beta1")
	flags.StringVar(&gvk.Kind, "kind", "", "the `kind`, as CronJob")
}

func (c *command) About() (string, string) {
	var about plugin.SubcommandMetadata
	if says, does := c.sub.(plugin.UpdatesMetadata); does {
		says.UpdateMetadata(plugin.CLIMetadata{CommandName: "orrery"}, &about)
	}
	return about.Description, about.Examples
}

func (c *command) do(folder string) ([]string, error) {
	files := machinery.Filesystem{FS: afero.NewOsFs()}
	project, err := c.open(files)
	if err != nil {
		return nil, err
	}
	if ofOrrery(project.Config()) {
		return nil, c.inOrrery(files, project)
	}
	if wants, does := c.sub.(inFolder); does {
		wants.in(folder)
	}
	if wants, does := c.sub.(plugin.RequiresConfig); does {
		if err := wants.InjectConfig(project.Config()); err != nil {
			return nil, err
		}
	}
	if wants, does := c.sub.(plugin.RequiresResource); does {
		if err := wants.InjectResource(newResource(c.gvk, project.Config())); err != nil {
			return nil, err
		}
	}
	return nil, c.scaffold(files, project)
}

func (c *command) scaffold(files machinery.Filesystem, project store.Store) error {
	if checks, does := c.sub.(plugin.HasPreScaffold); does {
		if err := checks.PreScaffold(files); err != nil {
			return err
		}
	}
	if err := c.sub.Scaffold(files); err != nil {
		return err
	}
	if err := project.Save(); err != nil {
		return fmt.Errorf("writing PROJECT: %w", err)
	}
	if more, does := c.sub.(plugin.HasPostScaffold); does {
		return more.PostScaffold()
	}
	return nil
}

// open reads the PROJECT file, or begins one.
func (c *command) open(files machinery.Filesystem) (store.Store, error) {
	project := yamlstore.New(files)
	if !c.makes {
		return project, load(project)
	}
	if err := project.New(cfgv3.Version); err != nil {
		return nil, fmt.Errorf("beginning PROJECT: %w", err)
	}
	return project, nil
}

func load(project store.Store) error {
	err := project.Load()
	var unsupported config.UnsupportedVersionError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("there is no project here, for there is no PROJECT file: change to the top of one, or make one by `orrery init`")
	case errors.As(err, &unsupported):
		return fmt.Errorf("PROJECT is of version %s, want 3: bring the project up by `kubebuilder alpha generate`, or make a new one by `orrery init` and move your code", unsupported.Version)
	}
	return fmt.Errorf("reading PROJECT: %w", err)
}
