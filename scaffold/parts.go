package scaffold

import (
	"fmt"

	"github.com/spf13/pflag"
	"sigs.k8s.io/kubebuilder/v4/pkg/config"
	"sigs.k8s.io/kubebuilder/v4/pkg/machinery"
	"sigs.k8s.io/kubebuilder/v4/pkg/model/resource"
	"sigs.k8s.io/kubebuilder/v4/pkg/plugin"
)

// parts are subcommands of kubebuilder's plugins that run as one, in order. What they do after scaffolding they do not do here:
// it is ours, see finish.
type parts struct {
	each []part
	// flags are those of all parts, as a person gave them.
	flags *pflag.FlagSet
}

// part is a subcommand with its own flags: two parts may have one of the same name.
type part struct {
	plugin.Subcommand
	flags *pflag.FlagSet
}

func partsOf(subcommands ...plugin.Subcommand) parts {
	var p parts
	for _, sub := range subcommands {
		p.each = append(p.each, part{sub, pflag.NewFlagSet("", pflag.ContinueOnError)})
	}
	return p
}

// tell lets every part know what the program is called. What they say of themselves is theirs, and not said here.
func (p *parts) tell(cli plugin.CLIMetadata) {
	for _, part := range p.each {
		if says, does := part.Subcommand.(plugin.UpdatesMetadata); does {
			says.UpdateMetadata(cli, &plugin.SubcommandMetadata{})
		}
	}
}

// BindFlags adds the flags of all parts, each once.
func (p *parts) BindFlags(flags *pflag.FlagSet) {
	p.flags = flags
	for _, part := range p.each {
		if flagged, has := part.Subcommand.(plugin.HasFlags); has {
			flagged.BindFlags(part.flags)
		}
		part.flags.VisitAll(func(f *pflag.Flag) {
			if flags.Lookup(f.Name) == nil {
				flags.AddFlag(f)
			}
		})
	}
}

// given is the value of a flag, and whether a person gave it.
func (p *parts) given(name string) (value string, changed bool) {
	f := p.flags.Lookup(name)
	return f.Value.String(), f.Changed
}

// on reports that a flag which is a switch is on.
func (p *parts) on(name string) bool {
	value, _ := p.given(name)
	return value == "true"
}

// set decides a flag for every part that has it.
func (p *parts) set(name, value string) error {
	for _, part := range p.each {
		f := part.flags.Lookup(name)
		if f == nil {
			continue
		}
		if err := f.Value.Set(value); err != nil {
			return fmt.Errorf("setting --%s to %q: %w", name, value, err)
		}
		f.Changed = true
	}
	return nil
}

// share hands what a person gave for one part to the others that have a flag of the same name.
func (p *parts) share() error {
	var err error
	p.flags.Visit(func(f *pflag.Flag) {
		for _, part := range p.each {
			if same := part.flags.Lookup(f.Name); same != nil && same != f && err == nil {
				err = same.Value.Set(f.Value.String())
				same.Changed = true
			}
		}
	})
	return err
}

// InjectConfig hands the PROJECT file to every part.
func (p *parts) InjectConfig(c config.Config) error {
	if err := p.share(); err != nil {
		return err
	}
	for _, part := range p.each {
		if wants, does := part.Subcommand.(plugin.RequiresConfig); does {
			if err := wants.InjectConfig(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// InjectResource hands the kind to every part; each of them adds to it.
func (p *parts) InjectResource(res *resource.Resource) error {
	for _, part := range p.each {
		if wants, does := part.Subcommand.(plugin.RequiresResource); does {
			if err := wants.InjectResource(res); err != nil {
				return err
			}
		}
	}
	return nil
}

// PreScaffold lets every part check the project.
func (p *parts) PreScaffold(fs machinery.Filesystem) error {
	for _, part := range p.each {
		if checks, does := part.Subcommand.(plugin.HasPreScaffold); does {
			if err := checks.PreScaffold(fs); err != nil {
				return err
			}
		}
	}
	return nil
}

// Scaffold lets every part write.
func (p *parts) Scaffold(fs machinery.Filesystem) error {
	for _, part := range p.each {
		if err := part.Scaffold(fs); err != nil {
			return err
		}
	}
	return nil
}
